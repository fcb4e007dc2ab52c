/** The addresses of forks in `agentPaths`, on both sides: what a fork begins with, and the fork that gets it. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { agentPaths, AppError, forkBytesHeader, forkRequest } from '@remote-claude/contract';

import { bodyOf, codeOf, readJson, sendError, sendJson, validated } from '../files/index.js';
import type { HttpPart, Log } from '../parts.js';
import type { ForkSource } from './source.js';
import type { ForkTarget } from './target.js';

export interface ForkHttpDeps {
  source: ForkSource;
  target: ForkTarget;
}

type Handler = (deps: ForkHttpDeps, request: IncomingMessage, response: ServerResponse) => Promise<void>;

const forkOnly = forkRequest.pick({ forkId: true });
/** Pieces that wait for a slow reader. */
const maxWaiting = 4;

const pour: Handler = async ({ source }, request, response) => {
  const { bytes, stream } = await source.pour(validated(forkOnly, await readJson(request)).forkId);
  response.writeHead(200, { 'content-type': 'application/octet-stream', [forkBytesHeader]: String(bytes) });
  try {
    await pipeline(Readable.from(stream, { highWaterMark: maxWaiting }), response);
  } catch (error) {
    // The reader has gone: there is nobody to tell.
    if (codeOf(error) !== 'ERR_STREAM_PREMATURE_CLOSE' && codeOf(error) !== 'ECONNRESET') throw error;
  }
};

const fill: Handler = async ({ target }, request, response) => {
  const content = async function* (): AsyncGenerator<Buffer> {
    yield* bodyOf(request);
    if (!request.complete) throw new AppError('client_closed');
  };
  sendJson(response, 200, await target.fill(content()));
};

const handlers: Readonly<Record<string, { method: string; handle: Handler }>> = {
  [agentPaths.forkPoint]: {
    method: 'POST',
    handle: async ({ source }, request, response) =>
      sendJson(response, 200, await source.keep(validated(forkRequest, await readJson(request)))),
  },
  [agentPaths.forkExport]: { method: 'POST', handle: pour },
  [agentPaths.forkPoints]: {
    method: 'GET',
    handle: async ({ source }, _request, response) => sendJson(response, 200, { points: source.kept() }),
  },
  [agentPaths.forkRelease]: {
    method: 'POST',
    handle: async ({ source }, request, response) => {
      await source.release(validated(forkOnly, await readJson(request)).forkId);
      sendJson(response, 200, { ok: true });
    },
  },
  [agentPaths.forkImport]: { method: 'POST', handle: fill },
  [agentPaths.forkState]: {
    method: 'GET',
    handle: async ({ target }, _request, response) => sendJson(response, 200, { filled: target.filled }),
  },
};

export const createForkHttp = (deps: ForkHttpDeps, log: Log): HttpPart => ({
  async handle(request, response, url) {
    const found = Object.hasOwn(handlers, url.pathname) ? handlers[url.pathname] : undefined;
    if (found === undefined) return false;
    try {
      if (request.method !== found.method) throw new AppError('method_not_allowed');
      await found.handle(deps, request, response);
    } catch (error) {
      sendError(response, error, log);
    }
    return true;
  },
});
