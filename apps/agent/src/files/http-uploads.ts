/** tus 1.0 with creation, expiration and termination, over `Uploads`. It does not know where the bytes go. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { agentPaths, AppError, treePath, tusProtocol } from '@remote-claude/contract';
import { z } from 'zod';

import { validated } from './http-answers.js';
import type { UploadRecord, Uploads } from './uploads.js';

const { version, extensions } = tusProtocol;

/** `key base64,key base64`, as the standard has it. */
const metadataOf = (header: string): Map<string, string> =>
  new Map(
    header
      .split(',')
      .map((pair) => pair.trim().split(' '))
      .map(([key = '', value = '']) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );

const count = z
  .string()
  .regex(/^\d{1,15}$/, 'This must be a count of bytes.')
  .transform(Number);
const newUpload = z.object({
  /** The path in the work tree. */
  filename: treePath.min(1),
  length: count,
  /** The etag of the file that is to be replaced. */
  overwrite: z.string().max(100).optional(),
  /** Of the whole content, in hex. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

const headersOf = (record: UploadRecord): Record<string, string> => ({
  'tus-resumable': version,
  'upload-offset': String(record.offset),
  'upload-length': String(record.length),
  'upload-expires': new Date(record.expiresAt).toUTCString(),
  'cache-control': 'no-store',
});

const create = async (uploads: Uploads, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const header = request.headers['upload-metadata'];
  const metadata = metadataOf(typeof header === 'string' ? header : '');
  const { filename, length, overwrite, sha256 } = validated(newUpload, {
    filename: metadata.get('filename'),
    length: request.headers['upload-length'],
    overwrite: metadata.get('overwrite'),
    sha256: metadata.get('sha256'),
  });
  const record = await uploads.create({ path: filename, length, ifMatch: overwrite ?? null, sha256: sha256 ?? null });
  response.writeHead(201, { ...headersOf(record), location: `${agentPaths.uploads}/${record.id}` }).end();
};

const append = async (
  uploads: Uploads,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  if (request.headers['content-type'] !== 'application/offset+octet-stream') throw new AppError('unsupported_media');
  const { offset } = validated(z.object({ offset: count }), { offset: request.headers['upload-offset'] });
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const record = await uploads.append(id, offset, request, gone.signal);
  if (response.destroyed) return;
  // An append that a newer one took over from has not read all of its request.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(204, headersOf(record)).end();
};

export const handleUpload = async (
  uploads: Uploads,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> => {
  response.setHeader('tus-resumable', version);
  const id = url.pathname.slice(agentPaths.uploads.length + 1);
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { 'tus-version': version, 'tus-extension': extensions }).end();
    return;
  }
  if (request.headers['tus-resumable'] !== version) {
    response.setHeader('tus-version', version);
    throw new AppError('precondition_failed', { message: 'This speaks tus 1.0.0: send Tus-Resumable: 1.0.0.' });
  }
  if (id === '' && request.method === 'POST') await create(uploads, request, response);
  else if (id !== '' && request.method === 'HEAD') response.writeHead(200, headersOf(await uploads.status(id))).end();
  else if (id !== '' && request.method === 'PATCH') await append(uploads, id, request, response);
  else if (id !== '' && request.method === 'DELETE') {
    await uploads.remove(id);
    response.writeHead(204).end();
  } else throw new AppError('method_not_allowed');
};
