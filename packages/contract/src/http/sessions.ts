/** Sessions: make, see, rename, stop, start, end, and run a command in one. */
import { z } from 'zod';

import { commandId, projectId } from '../ids.js';
import { plainText } from '../model/plain-text.js';
import { session, sessionConfig, sessionName } from '../model/session.js';
import { imageName, sessionEnvironment } from '../model/setup.js';
import { executeRequest } from '../socket/client-messages.js';
import { executeResult } from '../socket/server-messages.js';
import { defineRoute } from './route.js';
import { pageOf, pageQuery, sessionParams } from './shared.js';

const mine = ['unauthenticated', 'not_found'] as const;

export const sessionRoutes = {
  list: defineRoute({
    id: 'sessions.list',
    method: 'GET',
    path: '/sessions',
    summary: 'Sessions that you may see, the last active first; terminated ones only where asked for.',
    permission: 'signed-in',
    query: pageQuery.extend({
      search: plainText.trim().max(200).optional(),
      project: projectId.optional(),
      terminated: z.enum(['true', 'false']).default('false'),
    }),
    responses: { 200: pageOf(session) },
    errors: ['unauthenticated'],
  }),
  create: defineRoute({
    id: 'sessions.create',
    method: 'POST',
    path: '/sessions',
    summary:
      'Make a session, in a project whose owner or editor you are; it starts at once, or waits in line where there is no room.',
    permission: 'sessions.create',
    body: sessionConfig,
    responses: { 201: session },
    errors: ['unauthenticated', 'unsupported_option', 'session_limit', 'not_found', 'forbidden', 'conflict'],
    audit: 'sessions.create',
  }),
  get: defineRoute({
    id: 'sessions.get',
    method: 'GET',
    path: '/sessions/:id',
    summary: 'One session.',
    permission: 'session.inspect',
    params: sessionParams,
    responses: { 200: session },
    errors: mine,
  }),
  patch: defineRoute({
    id: 'sessions.patch',
    method: 'PATCH',
    path: '/sessions/:id',
    summary:
      'Rename a session, or change its variables or its image. Variables are replaced as a whole; null gives the image of the site. Both count when it is started next.',
    permission: 'session.manage',
    params: sessionParams,
    body: z.strictObject({
      name: sessionName.optional(),
      env: sessionEnvironment.optional(),
      image: imageName.nullable().optional(),
    }),
    responses: { 200: session },
    errors: [...mine, 'unsupported_option'],
    audit: 'sessions.patch',
  }),
  stop: defineRoute({
    id: 'sessions.stop',
    method: 'POST',
    path: '/sessions/:id/stop',
    summary: 'Stop a session: its place goes, its disk and history stay.',
    permission: 'session.manage',
    params: sessionParams,
    responses: { 200: session },
    errors: [...mine, 'conflict'],
    audit: 'sessions.stop',
  }),
  start: defineRoute({
    id: 'sessions.start',
    method: 'POST',
    path: '/sessions/:id/start',
    summary:
      'Start a stopped or failed session on the disk that it had; it waits in line where there is no room. With `disk=new` one whose disk is gone, which is refused otherwise, starts with an empty one.',
    permission: 'session.start',
    params: sessionParams,
    query: z.object({ disk: z.literal('new').optional() }),
    responses: { 200: session },
    errors: [...mine, 'forbidden', 'conflict', 'session_limit'],
    audit: 'sessions.start',
  }),
  restart: defineRoute({
    id: 'sessions.restart',
    method: 'POST',
    path: '/sessions/:id/restart',
    summary:
      'Make the place of a session anew, with what was changed of it; a running turn ends, its disk and history stay.',
    permission: 'session.manage',
    params: sessionParams,
    responses: { 202: session },
    errors: [...mine, 'session_not_running'],
    audit: 'sessions.restart',
    repeat: 'refused',
  }),
  fork: defineRoute({
    id: 'sessions.fork',
    method: 'POST',
    path: '/sessions/:id/fork',
    summary:
      'Make a session of your own from this one: its history, its files and what Claude remembers, as just before a message or as they are now. It must run; the new one starts at once and is ready when the files are copied.',
    permission: 'session.fork',
    params: sessionParams,
    body: z.strictObject({ messageId: commandId.optional(), name: sessionName.optional() }),
    responses: { 201: session },
    errors: [
      ...mine,
      'conflict',
      'session_limit',
      'session_not_running',
      'place_unreachable',
      'no_space',
      'upstream_failed',
    ],
    audit: 'sessions.fork',
  }),
  remove: defineRoute({
    id: 'sessions.delete',
    method: 'DELETE',
    path: '/sessions/:id',
    summary: 'Terminate a session. Its disk goes after `retention.sessions`; its history stays readable.',
    permission: 'session.manage',
    params: sessionParams,
    responses: { 200: session },
    errors: mine,
    audit: 'sessions.delete',
  }),
  execute: defineRoute({
    id: 'sessions.execute',
    method: 'POST',
    path: '/sessions/:id/execute',
    summary: 'Run one command in the session and wait for its end. Output is capped at 1 MiB each.',
    permission: 'session.execute',
    params: sessionParams,
    body: executeRequest,
    responses: { 200: executeResult },
    errors: [...mine, 'session_not_running', 'place_unreachable', 'path_refused', 'timed_out'],
    audit: 'sessions.execute',
    repeat: 'refused',
  }),
} as const;
