/** Durable events that only server roles write: people, answers, cost, and what a place does. */
import { z } from 'zod';

import { approvalId, commandId, taskId, turnId } from '../ids.js';
import { approvalScope, toolInput } from '../model/approval.js';
import { rewindTarget, rewindWhat } from '../model/checkpoint.js';
import { forkFilled } from '../link/fork.js';
import { forkedFrom, modelName, permissionMode, placeStatus, sessionName, wantedState } from '../model/session.js';
import { projectName } from '../model/project.js';
import { taskStatus } from '../model/task.js';
import { boundedText } from '../model/text.js';
import { tokenUsage } from '../model/usage.js';
import { author } from '../model/user.js';
import { approvalExpired, commandRefused, turnEnded } from './agent-events.js';

export const serverEvents = [
  /** First event of every session. */
  z.object({
    type: z.literal('session.created'),
    by: author,
    name: sessionName,
    model: modelName.nullable(),
    permissionMode,
  }),
  /** What is before this was copied from another session, with its times and authors; from here on each goes its own way. */
  z.object({ type: z.literal('session.forked'), by: author, from: forkedFrom }),
  /** The files of the other session are here, and what Claude remembers. Before this the session does not run. */
  z.object({ type: z.literal('fork.filled'), ...forkFilled.shape }),
  /** A person wants this script to be run in the session; `setupId` is the command's id. Prompts wait for its end. */
  z.object({ type: z.literal('setup.asked'), setupId: commandId, by: author, script: boundedText }),
  z.object({ type: z.literal('session.renamed'), by: author, name: sessionName }),
  /** A person, or a task of theirs, says something to Claude; `messageId` is the command's id. */
  z.object({
    type: z.literal('message.user'),
    messageId: commandId,
    by: author,
    text: boundedText,
    taskId: taskId.nullable(),
  }),
  z.object({
    type: z.literal('approval.answered'),
    approvalId,
    by: author,
    decision: z.enum(['allow', 'deny']),
    /** What readers of the version before know; `always` is also what counts in the project that is named below. */
    scope: approvalScope.exclude(['project']),
    /** Name of the project in all of whose sessions it is allowed, where that was the scope. */
    forProject: projectName.optional(),
    /** Present where the person changed the input or filled in a form. */
    input: toolInput.nullable(),
    reason: z.string().max(4_000).nullable(),
  }),
  /** A person wants to go back; `rewindId` is the command's id. `rewind.done` or `command.refused` follows. */
  z.object({
    type: z.literal('rewind.asked'),
    rewindId: commandId,
    by: author,
    what: rewindWhat,
    target: rewindTarget,
  }),
  /** The session's place is in another state: `reason` says why, `next` what to do. */
  z.object({
    type: z.literal('place.changed'),
    wanted: wantedState,
    status: placeStatus,
    step: z.string().max(200).nullable(),
    reason: z.string().max(2_000).nullable(),
    next: z.string().max(500).nullable(),
    /** Its disk was there and is not any more: it starts on an empty one only where a person asks for that. */
    diskGone: z.literal(true).optional(),
  }),
  z.object({
    type: z.literal('task.changed'),
    taskId,
    name: z.string().max(200),
    status: taskStatus,
    result: boundedText.nullable(),
  }),
  /** One model call, settled by the gateway. */
  z.object({
    type: z.literal('usage.recorded'),
    turnId: turnId.nullable(),
    model: z.string().max(200),
    usage: tokenUsage,
    costUsd: z.number().nonnegative(),
    /** The model is not in the price list, so the cost is an estimate of 0. */
    priceKnown: z.boolean(),
  }),
] as const;

/**
 * The session-manager ends a turn whose agent died, and refuses what an agent is too old for; the questions of a session end
 * with it. The agent itself ends and refuses all others.
 */
export const serverEvent = z.discriminatedUnion('type', [...serverEvents, turnEnded, commandRefused, approvalExpired]);
export type ServerEvent = z.infer<typeof serverEvent>;
