// A reverse proxy as a site has one: page and API, which are processes of their own, on one origin. It knows paths and nothing
// of what passes.

import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface OneOrigin {
  url: string;
  close(): Promise<void>;
}

export interface OneOriginOptions {
  /** Asked for each request, since they may start later than this does: `http://host:port`. */
  web: () => string;
  api: () => string;
}

export const startOneOrigin = async ({ web, api }: OneOriginOptions): Promise<OneOrigin> => {
  const targetOf = (request: IncomingMessage): URL =>
    new URL(/^\/(api|socket\.io)(\/|$)/.test(request.url ?? '') ? api() : web());
  const sockets = new Set<Socket>();

  const server = createServer((request, response) => {
    const { hostname, port } = targetOf(request);
    const { method, url, headers } = request;
    const outgoing = httpRequest({ hostname, port, method, path: url, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    outgoing.on('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { 'content-length': '0' }).end();
    });
    response.on('close', () => outgoing.destroy());
    request.on('error', () => outgoing.destroy());
    request.pipe(outgoing);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, near, head) => {
    const { hostname, port } = targetOf(request);
    const far = connect({ host: hostname, port: Number(port) });
    far.on('error', () => {});
    near.on('error', () => {});
    far.once('close', () => near.destroy());
    near.once('close', () => far.destroy());
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2)
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    far.write(`${lines.join('\r\n')}\r\n\r\n`);
    far.write(head);
    far.pipe(near);
    near.pipe(far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};
