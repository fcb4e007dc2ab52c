/**
 * The script format: rules and the steps they answer with, as plain data, and the functions that write steps shortly.
 * It does not know how a rule is chosen or a step is sent.
 */
import { z } from 'zod';
import type { Conversation } from './conversation.js';

const delayMs = z.number().min(0).optional();

const stepSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('text'), text: z.string(), delayMs }),
  z.strictObject({ kind: z.literal('thinking'), text: z.string(), delayMs }),
  z.strictObject({
    kind: z.literal('toolUse'),
    name: z.string().min(1),
    input: z.record(z.string(), z.unknown()),
    delayMs,
  }),
  z.strictObject({ kind: z.literal('start') }),
  z.strictObject({ kind: z.literal('silence'), ms: z.number().min(0) }),
  z.strictObject({ kind: z.literal('gate'), name: z.string().min(1) }),
  z.strictObject({ kind: z.literal('halfStream'), deltas: z.int().min(0) }),
  z.strictObject({
    kind: z.literal('stop'),
    reason: z.enum(['end_turn', 'max_tokens', 'stop_sequence', 'refusal', 'pause_turn']),
  }),
  z.strictObject({
    kind: z.literal('error'),
    status: z.int().min(400).max(599),
    type: z.string().optional(),
    message: z.string().optional(),
    retryAfterS: z.number().min(0).optional(),
  }),
]);

export type Step = z.infer<typeof stepSchema>;
export type Matcher = (conversation: Conversation) => boolean;
export type Answer = readonly Step[] | ((conversation: Conversation) => readonly Step[]);

export interface Rule {
  /** Named in `requests()`, in logs, and in the ids of its answers: two rules never share a message id. */
  readonly name: string;
  /** All must hold. An empty list always holds. */
  readonly when: Matcher | readonly Matcher[];
  readonly answer: Answer;
  /** After this many answers, retries included, the rule is used up and those below it are asked. */
  readonly times?: number | undefined;
  /** The rule is asked for Claude Code's side calls too (titles, quota probe, compaction); by default they pass it by. */
  readonly sideCalls?: boolean | undefined;
}

/** The first rule that matches answers. */
export type Script = readonly Rule[];

interface Pace {
  /** Pause before each delta. Deltas are words, or pieces of a tool's input. */
  delayMs?: number;
}

export const text = (value: string, pace: Pace = {}): Step => ({ kind: 'text', text: value, ...pace });
export const thinking = (value: string, pace: Pace = {}): Step => ({ kind: 'thinking', text: value, ...pace });
export const toolUse = (name: string, input: Record<string, unknown>, pace: Pace = {}): Step => ({
  kind: 'toolUse',
  name,
  input,
  ...pace,
});
/** Sends the headers and `message_start`, so that a later silence falls into an open stream. */
export const start = (): Step => ({ kind: 'start' });
/** Sends nothing for a while, no ping either. As the first step, not even the headers. */
export const silence = (ms: number): Step => ({ kind: 'silence', ms });
/** Holds the answer here until `control.release(name)`. */
export const gate = (name: string): Step => ({ kind: 'gate', name });
/** The socket is cut after this many further deltas. */
export const halfStream = (deltas: number): Step => ({ kind: 'halfStream', deltas });
/** Ends the message with another stop reason than `end_turn` or `tool_use`. */
export const stop = (reason: Extract<Step, { kind: 'stop' }>['reason']): Step => ({ kind: 'stop', reason });
/** As the first step: an error status. Once the stream has begun: an `error` event in it, and its end. */
export const error = (status: number, more: Omit<Extract<Step, { kind: 'error' }>, 'kind' | 'status'> = {}): Step => ({
  kind: 'error',
  status,
  ...more,
});

/** Text of numbered words, one delta each: `token-0001 token-0002 …`, at least four digits. */
export const numbered = (count: number, options: Pace & { from?: number; prefix?: string } = {}): Step => {
  const { from = 1, prefix = 'token-', ...pace } = options;
  const words = Array.from({ length: count }, (_, index) => `${prefix}${String(from + index).padStart(4, '0')} `);
  return text(words.join(''), pace);
};

const ruleSchema = z.looseObject({
  name: z.string().min(1),
  when: z.union([z.function(), z.array(z.function())]),
  answer: z.union([z.function(), z.array(stepSchema)]),
  times: z.int().min(1).optional(),
  sideCalls: z.boolean().optional(),
});

/** Refuses what is not a script, naming every problem: scripts also come from files that no compiler has seen. */
export const checkScript = (script: unknown): Script => {
  const result = z.array(ruleSchema).safeParse(script);
  if (!result.success) {
    throw new Error(`This is not a script for the scripted model:\n${z.prettifyError(result.error)}`);
  }
  const names = result.data.map((rule) => rule.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two rules of the script are named "${twice}"; give each its own name.`);
  return script as Script;
};

/** The rule's steps for a conversation. Throws when a rule's function fails or answers something that is no step. */
export const answerOf = (rule: Rule, conversation: Conversation): readonly Step[] => {
  const steps = typeof rule.answer === 'function' ? rule.answer(conversation) : rule.answer;
  const result = z.array(stepSchema).safeParse(steps);
  if (!result.success)
    throw new Error(`Rule "${rule.name}" answered with no valid steps:\n${z.prettifyError(result.error)}`);
  return steps;
};
