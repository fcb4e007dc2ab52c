// The web role: serves the exported page on the origin of the API. It knows addresses of pages, not what is in them.

import { AppError } from '@remote-claude/contract';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

import { under } from '../platform/http/index.js';
import type { PageFiles } from '../platform/page-files.js';

export interface WebDeps {
  app: FastifyInstance;
  files: PageFiles;
  basePath: string;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The file of an address below the base path; a session's page is one file for all ids. */
const fileOf = (path: string): string => {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts[0] === 'sessions' && parts[1] !== undefined && uuid.test(parts[1])) parts[1] = '_';
  const file = parts.join('/');
  return file === '' || path.endsWith('/') ? `${file === '' ? '' : `${file}/`}index.html` : file;
};

export const registerWeb = async ({ app, files, basePath }: WebDeps): Promise<void> => {
  await app.register(fastifyStatic, { root: files.root, serve: false, preCompressed: true, cacheControl: false });

  const send = (reply: FastifyReply, file: string, status = 200): FastifyReply => {
    const policy = files.policies.get(file);
    if (policy !== undefined) reply.header('content-security-policy', policy);
    else reply.removeHeader('content-security-policy');
    // Names of built files carry their content's hash; pages are asked about each time.
    reply.header('cache-control', file.includes('_next/static/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    return reply.code(status).sendFile(file);
  };

  app.get(under(basePath, '/*'), (request, reply) => {
    const [path = '/'] = request.url.slice(basePath === '/' ? 0 : basePath.length).split('?');
    if (path.startsWith('/api/')) throw new AppError('not_found');
    const file = fileOf(decodeURIComponent(path));
    if (files.policies.has(file)) return send(reply, file);
    // A page without its closing slash: relative addresses in it need the slash.
    if (files.policies.has(`${file}/index.html`)) return reply.redirect(`${under(basePath, path)}/`, 308);
    if (file.endsWith('index.html')) return send(reply, '404.html', 404);
    return send(reply, file);
  });
  if (basePath !== '/') app.get('/', (_request, reply) => reply.redirect(`${basePath}/`, 302));
};
