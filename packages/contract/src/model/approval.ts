/** Claude asks to use a tool, or asks a question, and a person answers. */
import { z } from 'zod';

import { approvalId, commandId, sessionId, timestamp, turnId } from '../ids.js';
import { plainText } from './plain-text.js';
import { wholeInput } from './text.js';
import { author } from './user.js';

/** `question` is Claude's multiple-choice question, `plan` a plan to accept; both are tools underneath. */
export const approvalKind = z.enum(['tool', 'question', 'plan']);
export type ApprovalKind = z.infer<typeof approvalKind>;

export const approvalScope = z.enum(['once', 'session', 'project', 'always']);
export type ApprovalScope = z.infer<typeof approvalScope>;

/** A tool's input as Claude gave it. Bounded by the size of an event. */
export const toolInput = z.record(z.string(), z.unknown());
export type ToolInput = z.infer<typeof toolInput>;

export const approvalAnswer = z.strictObject({
  decision: z.enum(['allow', 'deny']),
  /**
   * `session` also allows the same tool and pattern for the rest of this session, `project` in all sessions of its project,
   * `always` in all sessions of that person.
   */
  scope: approvalScope.default('once'),
  /** Replaces the tool's input; for a question it carries `answers`. */
  input: toolInput.optional(),
  /** Told to Claude when denied. */
  reason: plainText.trim().max(4_000).optional(),
});
export type ApprovalAnswer = z.infer<typeof approvalAnswer>;

export const openApproval = z.object({
  approvalId,
  turnId: turnId.nullable(),
  /** The messages that its turn works on: they wait with it, also when the turn is over. Absent from an older agent. */
  messageIds: z.array(commandId).max(100).optional(),
  kind: approvalKind,
  tool: z.string().max(200),
  /** One sentence that says what would happen. */
  title: z.string().max(500),
  input: toolInput,
  /** Only where `input` is not the whole. */
  wholeInput: wholeInput.optional(),
  /** What `scope: session` would allow, in words; null where only `once` is offered. */
  sessionRule: z.string().max(500).nullable(),
  /** The subagent that asks, where it is one. */
  agent: z.string().max(200).nullable(),
  askedAt: timestamp,
});
export type OpenApproval = z.infer<typeof openApproval>;

/** An approval as its row: what is asked, and the answer where there is one. */
export const approval = openApproval.extend({
  sessionId,
  sessionName: z.string(),
  status: z.enum(['open', 'answered', 'expired']),
  answeredBy: author.nullable(),
  answeredAt: timestamp.nullable(),
  decision: z.enum(['allow', 'deny']).nullable(),
});
export type Approval = z.infer<typeof approval>;
