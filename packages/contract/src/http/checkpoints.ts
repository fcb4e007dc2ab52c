/** Checkpoints of a work tree, and going back to one: files, conversation, or both. */
import { z } from 'zod';

import { blobHash, checkpointId, commandId } from '../ids.js';
import { checkpoint, rewindDiff, rewindPreview, rewindTarget, rewindWhat } from '../model/checkpoint.js';
import { defineRoute } from './route.js';
import { pageOf, sessionParams } from './shared.js';

const mine = ['unauthenticated', 'not_found'] as const;
const fromAgent = [
  ...mine,
  'conflict',
  'session_not_running',
  'place_unreachable',
  'no_space',
  'upstream_failed',
] as const;
/** Chosen by the sender so that it may be sent again; one is made where it is absent. */
const id = commandId.optional();

export const checkpointRoutes = {
  list: defineRoute({
    id: 'checkpoints.list',
    method: 'GET',
    path: '/sessions/:id/checkpoints',
    summary: 'Checkpoints of the work tree that are kept, the oldest first.',
    permission: 'session.files.read',
    params: sessionParams,
    responses: { 200: pageOf(checkpoint) },
    errors: fromAgent,
  }),
  take: defineRoute({
    id: 'checkpoints.take',
    method: 'POST',
    path: '/sessions/:id/checkpoints',
    summary: 'Keep the work tree as it is now. A `checkpoint.taken` event follows.',
    permission: 'session.rewind',
    params: sessionParams,
    body: z.strictObject({ id }),
    responses: { 202: z.object({ commandId }) },
    errors: [...mine, 'conflict', 'session_not_running'],
    audit: 'checkpoints.take',
  }),
  preview: defineRoute({
    id: 'rewind.preview',
    method: 'GET',
    path: '/sessions/:id/claude/rewind',
    summary: 'What a rewind to one of these would change. It changes nothing.',
    permission: 'session.rewind',
    params: sessionParams,
    query: z.object({
      messageId: commandId.optional(),
      checkpointId: checkpointId.optional(),
      rewindId: commandId.optional(),
    }),
    responses: { 200: rewindPreview },
    errors: [...fromAgent, 'validation_failed'],
  }),
  diff: defineRoute({
    id: 'rewind.diff',
    method: 'GET',
    path: '/sessions/:id/claude/rewind/diff',
    summary: 'One file as it is now and as it would be, between the two trees that a preview named.',
    permission: 'session.rewind',
    params: sessionParams,
    query: z.object({ from: blobHash, to: blobHash, path: z.string().min(1).max(8_192) }),
    responses: { 200: rewindDiff },
    errors: fromAgent,
  }),
  rewind: defineRoute({
    id: 'rewind.apply',
    method: 'POST',
    path: '/sessions/:id/claude/rewind',
    summary:
      'Go back: `rewind.done` follows, or `command.refused` with the reason. A rewind to `{ rewindId }` undoes that one.',
    permission: 'session.rewind',
    params: sessionParams,
    body: z.strictObject({ target: rewindTarget, what: rewindWhat, id }),
    responses: { 202: z.object({ commandId }) },
    errors: [...mine, 'conflict', 'session_not_running', 'validation_failed'],
    audit: 'rewind.apply',
  }),
} as const;
