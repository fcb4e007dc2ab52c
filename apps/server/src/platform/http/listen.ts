// Listens, and says in a sentence why it cannot.

import type { FastifyInstance } from 'fastify';

/** What is listened on, and what chooses another. */
interface Wanted {
  host: string;
  port: number;
  hostKey?: string;
  portKey?: string;
}

const reasons: Readonly<Record<string, (wanted: Required<Wanted>) => string>> = {
  EADDRINUSE: ({ port, portKey }) =>
    `Port ${port} is in use by another program. Stop that one, or choose another port with ${portKey}.`,
  EACCES: ({ port, portKey }) => `This user may not listen on port ${port}. Choose one above 1023 with ${portKey}.`,
  EADDRNOTAVAIL: ({ host, hostKey }) => `This machine has no address ${host}. Choose another with ${hostKey}.`,
  ENOTFOUND: ({ host, hostKey }) => `The host name ${host} is not known. Choose another with ${hostKey}.`,
};

/** The error in words, where there are any for it. */
export const wordsFor = (cause: unknown, wanted: Wanted): Error => {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const reason = reasons[code]?.({ hostKey: '--host', portKey: '--port', ...wanted });
  if (reason === undefined) return cause instanceof Error ? cause : new Error(String(cause));
  return Object.assign(new Error(reason, { cause }), { code });
};

/** Gives the port, which is new where 0 was asked for. */
export const listen = async (app: FastifyInstance, host: string, port: number): Promise<number> => {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw wordsFor(cause, { host, port });
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
};
