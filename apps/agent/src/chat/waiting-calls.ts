/**
 * A call that waits for a person, as it is kept on the disk, and the words with which Claude is asked for it again after
 * its process took it away. Pure: it neither asks nor answers, and does not know who does.
 */
import { commandId, openApproval, toolInput, type AgentCommand } from '@remote-claude/contract';
import { z } from 'zod';

import { sessionRule } from './session-rules.js';

export type Answer = Extract<AgentCommand, { type: 'answer' }>;

export const waitingCall = z.object({
  approval: openApproval,
  /** Where `approval.input` was cut: all of it. */
  uncut: toolInput.nullable(),
  rule: sessionRule.nullable(),
  /** The messages that the call's turn works on. */
  messageIds: z.array(commandId),
  /** Its asker is gone with the process, so nobody can make the call again. */
  ofSubagent: z.boolean(),
  /** Whether the journal has the question. */
  isAsked: z.boolean(),
});
export type WaitingCall = z.infer<typeof waitingCall>;

/** Characters of JSON that Claude is asked to write again. */
const maxRepeated = 100_000;

export const inputOf = ({ approval, uncut }: WaitingCall): Record<string, unknown> => uncut ?? approval.input;

/** Why Claude cannot be asked to make the call again; null where it can. */
export const whyGone = (call: WaitingCall): string | null => {
  if (call.ofSubagent) return 'The subagent that asked ended with its process; the call never ran.';
  if (JSON.stringify(inputOf(call)).length > maxRepeated)
    return 'The process that asked ended, and the call is too large to be asked for again; it never ran.';
  return null;
};

/** Told to Claude, and shown to nobody. */
export const wordsFor = (call: WaitingCall, { answer }: Answer): string => {
  const { tool } = call.approval;
  const ended = `The process that you ran in ended while a call of the tool ${tool} waited for the user. The call did not run.`;
  const input = `The input of that call as JSON:\n${JSON.stringify(inputOf(call))}`;
  if (answer.decision === 'allow') {
    return [
      `${ended} The user has allowed it since.`,
      'Make this call again now, before anything else and with exactly the same input; then go on with your work.',
      input,
    ].join('\n');
  }
  const reason = answer.reason ?? '';
  return [
    `${ended} The user has denied it since${reason === '' ? '.' : ` and said: ${reason}`}`,
    'Do not try it again in another way; go on without it, or ask what to do instead.',
    input,
  ].join('\n');
};
