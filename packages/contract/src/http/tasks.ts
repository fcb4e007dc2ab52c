/** Tasks: prompts with a name and a state, queued behind the running turn. */
import { z } from 'zod';

import { sessionId, taskId } from '../ids.js';
import { task, taskDescription, taskName, taskStatus } from '../model/task.js';
import { defineRoute } from './route.js';
import { pageOf, pageQuery, sessionParams } from './shared.js';

const body = z.strictObject({ name: taskName, description: taskDescription.optional() });

export const taskRoutes = {
  createInSession: defineRoute({
    id: 'claude.task',
    method: 'POST',
    path: '/sessions/:id/claude/task',
    summary: 'Queue a task in this session.',
    permission: 'session.chat.write',
    params: sessionParams,
    body,
    responses: { 201: task },
    errors: ['unauthenticated', 'forbidden', 'not_found', 'session_not_running'],
    audit: 'tasks.create',
  }),
  create: defineRoute({
    id: 'tasks.create',
    method: 'POST',
    path: '/tasks',
    summary: 'Queue a task in a session of yours.',
    permission: 'signed-in',
    body: body.extend({ sessionId }),
    responses: { 201: task },
    errors: ['unauthenticated', 'forbidden', 'not_found', 'session_not_running'],
    audit: 'tasks.create',
  }),
  list: defineRoute({
    id: 'tasks.list',
    method: 'GET',
    path: '/tasks',
    summary: 'Your tasks in sessions that you may read, newest first.',
    permission: 'signed-in',
    query: pageQuery.extend({ sessionId: sessionId.optional(), status: taskStatus.optional() }),
    responses: { 200: pageOf(task) },
    errors: ['unauthenticated'],
  }),
  get: defineRoute({
    id: 'tasks.get',
    method: 'GET',
    path: '/tasks/:taskId',
    summary: 'One task.',
    permission: 'signed-in',
    params: z.object({ taskId }),
    responses: { 200: task },
    errors: ['unauthenticated', 'forbidden', 'not_found'],
  }),
  patch: defineRoute({
    id: 'tasks.patch',
    method: 'PATCH',
    path: '/tasks/:taskId',
    summary: 'Rename a task, or cancel one: a queued one is taken back, a running one interrupted.',
    permission: 'signed-in',
    params: z.object({ taskId }),
    body: z.strictObject({ name: taskName.optional(), status: z.literal('cancelled').optional() }),
    responses: { 200: task },
    errors: ['unauthenticated', 'forbidden', 'not_found', 'conflict'],
    audit: 'tasks.patch',
  }),
  remove: defineRoute({
    id: 'tasks.delete',
    method: 'DELETE',
    path: '/tasks/:taskId',
    summary: 'Delete a task that is over.',
    permission: 'signed-in',
    params: z.object({ taskId }),
    responses: { 200: task },
    errors: ['unauthenticated', 'forbidden', 'not_found', 'conflict'],
    audit: 'tasks.delete',
  }),
} as const;
