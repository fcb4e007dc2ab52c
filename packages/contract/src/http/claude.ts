/** Talking to Claude in a session: messages, history, approvals, settings. */
import { z } from 'zod';

import { numberedEvent } from '../events/index.js';
import { turnOutcome } from '../events/agent-events.js';
import { approvalId, blobHash, commandId, turnId } from '../ids.js';
import { ruleId, storedRule } from '../model/approval-rule.js';
import { approval, approvalAnswer } from '../model/approval.js';
import { tokenUsage } from '../model/usage.js';
import { claudeSettings, promptText } from '../socket/client-messages.js';
import { defineRoute } from './route.js';
import { pageOf, pageQuery, sessionParams } from './shared.js';

const mine = ['unauthenticated', 'not_found'] as const;
const accepted = z.object({ messageId: commandId });

export const claudeRoutes = {
  chat: defineRoute({
    id: 'claude.chat',
    method: 'POST',
    path: '/sessions/:id/claude/chat',
    summary: 'Say something to Claude. Answers when the turn ended, or at once (202) with `wait: false`.',
    permission: 'session.chat.write',
    params: sessionParams,
    body: z.strictObject({
      message: promptText,
      wait: z.boolean().default(true),
      /** Chosen by the sender so that it may be sent again; one is made where it is absent. */
      id: commandId.optional(),
    }),
    responses: {
      200: z.object({
        messageId: commandId,
        turnId,
        outcome: turnOutcome,
        /** Claude's last words in the turn. */
        message: z.string().nullable(),
        reason: z.string().nullable(),
        usage: tokenUsage,
      }),
      202: accepted,
    },
    errors: [...mine, 'conflict', 'session_not_running', 'timed_out'],
    audit: 'claude.chat',
  }),
  history: defineRoute({
    id: 'claude.history',
    method: 'GET',
    path: '/sessions/:id/claude/history',
    summary: 'Events by number, oldest first: those after `after`, or the last ones before `before`.',
    permission: 'session.chat.read',
    params: sessionParams,
    query: z.object({
      after: z.coerce.number().int().min(0).optional(),
      before: z.coerce.number().int().min(1).optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    responses: { 200: z.object({ items: z.array(numberedEvent), head: z.int(), nextCursor: z.string().nullable() }) },
    errors: mine,
  }),
  blob: defineRoute({
    id: 'claude.blob',
    method: 'GET',
    path: '/sessions/:id/blobs/:hash',
    summary: 'The whole of a text or tool input that an event only begins, by its hash: plain text that never changes.',
    permission: 'session.chat.read',
    kind: 'stream',
    params: sessionParams.extend({ hash: blobHash }),
    responses: { 200: null, 304: null },
    errors: mine,
  }),
  interrupt: defineRoute({
    id: 'claude.interrupt',
    method: 'POST',
    path: '/sessions/:id/claude/interrupt',
    summary:
      'Interrupt the turn that is named, or the one that runs now, and none that comes later. What was written stays.',
    permission: 'session.chat.write',
    params: sessionParams,
    body: z.strictObject({ turnId: turnId.optional() }),
    responses: { 202: z.object({ commandId }) },
    errors: [...mine, 'session_not_running'],
    audit: 'claude.interrupt',
  }),
  configure: defineRoute({
    id: 'claude.configure',
    method: 'PATCH',
    path: '/sessions/:id/claude',
    summary: 'Change model, permission mode or effort from the next model call on.',
    permission: 'session.chat.write',
    params: sessionParams,
    body: claudeSettings,
    responses: { 202: z.object({ commandId }) },
    errors: [...mine, 'session_not_running', 'unsupported_option'],
    audit: 'claude.configure',
  }),
  approvals: defineRoute({
    id: 'claude.approvals',
    method: 'GET',
    path: '/sessions/:id/claude/approvals',
    summary: 'Open approvals and questions of this session, oldest first.',
    permission: 'session.chat.read',
    params: sessionParams,
    responses: { 200: pageOf(approval) },
    errors: mine,
  }),
  answer: defineRoute({
    id: 'claude.answer',
    method: 'POST',
    path: '/sessions/:id/claude/approvals/:approvalId',
    summary: 'Answer an approval or a question, once.',
    permission: 'session.approve',
    params: sessionParams.extend({ approvalId }),
    body: approvalAnswer,
    responses: { 200: approval },
    errors: [...mine, 'already_answered', 'conflict'],
    audit: 'claude.answer',
  }),
  allApprovals: defineRoute({
    id: 'approvals.list',
    method: 'GET',
    path: '/approvals',
    summary: 'Open approvals over all sessions that you may answer in, oldest first.',
    permission: 'signed-in',
    query: pageQuery,
    responses: { 200: pageOf(approval) },
    errors: ['unauthenticated'],
  }),
  rules: defineRoute({
    id: 'approvals.rules.list',
    method: 'GET',
    path: '/approval-rules',
    summary:
      'What you always allow in all of your sessions, and what is allowed in the projects whose owner you are, newest first.',
    permission: 'signed-in',
    responses: { 200: pageOf(storedRule) },
    errors: ['unauthenticated'],
  }),
  revokeRule: defineRoute({
    id: 'approvals.rules.delete',
    method: 'DELETE',
    path: '/approval-rules/:ruleId',
    summary:
      'Be asked again: revokes what you always allowed, or what is allowed in a project whose owner you are, in running sessions too.',
    permission: 'signed-in',
    params: z.object({ ruleId }),
    responses: { 200: storedRule },
    errors: ['unauthenticated', 'not_found', 'forbidden'],
    audit: 'approvals.rules.delete',
  }),
} as const;
