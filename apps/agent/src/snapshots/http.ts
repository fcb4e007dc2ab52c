/** The addresses of checkpoints in `agentPaths`: the list, what a rewind would change, one file of it. It changes nothing. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import {
  agentPaths,
  AppError,
  blobHash,
  rewindTarget,
  type RewindPreview,
  type RewindTarget,
} from '@remote-claude/contract';
import { z } from 'zod';

import { readJson, sendError, sendJson, validated } from '../files/index.js';
import type { HttpPart, Log } from '../parts.js';
import type { Snapshots } from './snapshots.js';

export interface CheckpointsHttpDeps {
  snapshots: Snapshots;
  preview(target: RewindTarget): Promise<RewindPreview>;
}

type Handler = (deps: CheckpointsHttpDeps, request: IncomingMessage) => Promise<unknown>;

const handlers: Readonly<Record<string, { method: string; handle: Handler }>> = {
  [agentPaths.checkpoints]: { method: 'GET', handle: async ({ snapshots }) => ({ items: snapshots.list() }) },
  [agentPaths.rewindPreview]: {
    method: 'POST',
    handle: async ({ preview }, request) =>
      preview(validated(z.strictObject({ target: rewindTarget }), await readJson(request)).target),
  },
  [agentPaths.rewindDiff]: {
    method: 'POST',
    handle: async ({ snapshots }, request) =>
      snapshots.diff(
        validated(z.strictObject({ from: blobHash, to: blobHash, path: z.string().min(1) }), await readJson(request)),
      ),
  },
};

export const createCheckpointsHttp = (deps: CheckpointsHttpDeps, log: Log): HttpPart => ({
  async handle(request: IncomingMessage, response: ServerResponse, url: URL) {
    const found = Object.hasOwn(handlers, url.pathname) ? handlers[url.pathname] : undefined;
    if (found === undefined) return false;
    try {
      if (request.method !== found.method) throw new AppError('method_not_allowed');
      sendJson(response, 200, await found.handle(deps, request));
    } catch (error) {
      sendError(response, error, log);
    }
    return true;
  },
});
