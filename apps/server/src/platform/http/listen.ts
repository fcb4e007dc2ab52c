// Listens, and says in a sentence why it cannot.

import type { FastifyInstance } from 'fastify';

const reasons: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (_host, port) =>
    `Port ${port} is in use by another program. Stop that one, or choose another port with --port.`,
  EACCES: (_host, port) => `This user may not listen on port ${port}. Choose one above 1023 with --port.`,
  EADDRNOTAVAIL: (host) => `This machine has no address ${host}. Choose another with --host.`,
  ENOTFOUND: (host) => `The host name ${host} is not known. Choose another with --host.`,
};

/** Gives the port, which is new where 0 was asked for. */
export const listen = async (app: FastifyInstance, host: string, port: number): Promise<number> => {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    const reason = reasons[code]?.(host, port);
    throw reason === undefined ? cause : Object.assign(new Error(reason, { cause }), { code });
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
};
