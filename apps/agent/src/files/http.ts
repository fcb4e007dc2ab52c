/** The files' addresses of `agentPaths`: content, list, stat, mkdir, move and uploads. It does not know how files are reached. */
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

import { agentPaths, AppError, treePath } from '@remote-claude/contract';
import { z } from 'zod';

import type { HttpPart, Log } from '../parts.js';
import { codeOf } from './failures.js';
import type { Files } from './files.js';
import { bodyOf, readJson, sendError, sendJson, validated } from './http-answers.js';
import { handleUpload } from './http-uploads.js';

type Handler = (files: Files, request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

const pathOf = (url: URL): string =>
  validated(z.object({ path: treePath }), { path: url.searchParams.get('path') ?? '' }).path;

/** First and last byte; null for the whole. A list of ranges is answered with the whole, as the standard allows. */
const rangeOf = (header: string | undefined, size: number): { first: number; last: number } | null => {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const [from, to] = [match[1] ?? '', match[2] ?? ''];
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (first > last || first >= size) throw new AppError('range_invalid', { size });
  return { first, last };
};

const tagsOf = (header: string): string[] => header.split(',').map((tag) => tag.trim());

const getContent: Handler = async (files, request, response, url) => {
  const { handle, node } = await files.open(pathOf(url));
  let handed = false;
  try {
    const etag = node.etag ?? '';
    const { 'if-none-match': known, 'if-range': ifRange, range } = request.headers;
    response.setHeader('etag', etag);
    response.setHeader('accept-ranges', 'bytes');
    response.setHeader('last-modified', new Date(node.modifiedAt).toUTCString());
    if (
      known !== undefined &&
      (known.trim() === '*' || tagsOf(known).some((tag) => tag.replace(/^W\//, '') === etag))
    ) {
      response.writeHead(304).end();
      return;
    }
    const part = ifRange === undefined || ifRange === etag ? rangeOf(range, node.size) : null;
    const { first, last } = part ?? { first: 0, last: node.size - 1 };
    const headers = { 'content-type': 'application/octet-stream', 'content-length': last - first + 1 };
    response.writeHead(
      part ? 206 : 200,
      part ? { ...headers, 'content-range': `bytes ${first}-${last}/${node.size}` } : headers,
    );
    if (request.method === 'HEAD' || node.size === 0) {
      response.end();
      return;
    }
    handed = true;
    // A file that shrinks meanwhile ends the answer short of its length, which the other end sees as an error.
    const stream = handle.createReadStream({ start: first, end: last, highWaterMark: 256 * 1024 });
    await pipeline(stream, response, { end: false });
    if (stream.bytesRead < last - first + 1) response.destroy();
    else response.end();
  } catch (error) {
    // The reader has gone: there is nobody to tell.
    if (codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE' && codeOf(error) !== 'ECONNRESET') throw error;
  } finally {
    if (!handed) await handle.close();
  }
};

const putContent: Handler = async (files, request, response, url) => {
  const path = pathOf(url);
  const { 'if-match': match, 'if-none-match': none } = request.headers;
  if (none?.trim() !== '*' && (match === undefined || match.trim() === '*'))
    throw new AppError('precondition_required');
  const ifMatch = match === undefined ? null : match.trim();
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  let bytes = 0;
  const content = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of bodyOf(request)) {
      bytes += chunk.length;
      yield chunk;
    }
    if (!request.complete || (Number.isFinite(length) && bytes !== length)) throw new AppError('client_closed');
  };
  const node = await files.save(path, content(), { ifMatch });
  response.setHeader('etag', node.etag ?? '');
  sendJson(response, ifMatch === null ? 201 : 200, node);
};

const deleteContent: Handler = async (files, _request, response, url) => {
  await files.remove(pathOf(url), url.searchParams.get('recursive') === '1');
  sendJson(response, 200, { ok: true });
};

const namedPath = treePath.min(1);

const handlers: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  [agentPaths.content]: { GET: getContent, HEAD: getContent, PUT: putContent, DELETE: deleteContent },
  [agentPaths.list]: {
    GET: async (files, _request, response, url) => sendJson(response, 200, { items: await files.list(pathOf(url)) }),
  },
  [agentPaths.stat]: {
    GET: async (files, _request, response, url) => sendJson(response, 200, await files.stat(pathOf(url))),
  },
  [agentPaths.mkdir]: {
    POST: async (files, request, response) => {
      const { path } = validated(z.strictObject({ path: namedPath }), await readJson(request));
      sendJson(response, 201, await files.mkdir(path));
    },
  },
  [agentPaths.move]: {
    POST: async (files, request, response) => {
      const { path, to } = validated(z.strictObject({ path: namedPath, to: namedPath }), await readJson(request));
      sendJson(response, 200, await files.move(path, to));
    },
  },
};

export const createFilesHttp = (files: Files, log: Log): HttpPart => ({
  async handle(request, response, url) {
    const uploads = url.pathname === agentPaths.uploads || url.pathname.startsWith(`${agentPaths.uploads}/`);
    const methods = Object.hasOwn(handlers, url.pathname) ? handlers[url.pathname] : undefined;
    if (!methods && !uploads) return false;
    try {
      if (!methods) await handleUpload(files.uploads, request, response, url);
      else {
        const handler = Object.hasOwn(methods, request.method ?? '') ? methods[request.method ?? ''] : undefined;
        if (!handler) throw new AppError('method_not_allowed');
        await handler(files, request, response, url);
      }
    } catch (error) {
      sendError(response, error, log);
    }
    return true;
  },
});
