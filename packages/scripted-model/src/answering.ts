/**
 * Chooses the answer to a conversation: the script's first rule that matches, a built-in answer to a side call, or
 * nothing. A repeated request keeps its answer. It does not know how answers are sent.
 */
import { readConversation } from './conversation.js';
import type { Conversation } from './conversation.js';
import { requestKey } from './identity.js';
import type { MessagesRequest } from './protocol.js';
import { answerOf, checkScript } from './script.js';
import type { Rule, Script, Step } from './script.js';
import { answerSideCall, sideCallOf } from './side-calls.js';
import type { SideCall } from './side-calls.js';

export interface Chosen {
  readonly key: string;
  readonly conversation: Conversation;
  readonly sideCall: SideCall | undefined;
  /** 1 for the first try of a request, 2 for its first repetition. */
  readonly attempt: number;
  /** undefined: nothing answers this call. */
  readonly answer: { readonly rule: string; readonly steps: readonly Step[] } | undefined;
}

export interface Answering {
  choose(request: MessagesRequest): Chosen;
  /** Forgets the old script's answers and counts. */
  setScript(script: Script): void;
  retries(): number;
}

/** Keys that are remembered for telling repetitions; the oldest go first. */
const maxKeys = 10_000;

export const createAnswering = (first: Script, sideCalls: 'answer' | 'strict'): Answering => {
  let script = checkScript(first);
  const used = new Map<string, number>();
  const given = new Map<string, { attempts: number; answers: Map<string, readonly Step[]> }>();
  let retries = 0;

  const remember = (key: string): { attempts: number; answers: Map<string, readonly Step[]> } => {
    const entry = given.get(key) ?? { attempts: 0, answers: new Map<string, readonly Step[]>() };
    given.delete(key);
    given.set(key, entry);
    const oldest = given.keys().next().value;
    if (given.size > maxKeys && oldest !== undefined) given.delete(oldest);
    return entry;
  };

  const matches = (rule: Rule, conversation: Conversation): boolean => {
    if ((used.get(rule.name) ?? 0) >= (rule.times ?? Number.POSITIVE_INFINITY)) return false;
    return [rule.when].flat().every((matcher) => matcher(conversation));
  };

  return {
    choose: (request) => {
      const conversation = readConversation(request);
      const sideCall = sideCalls === 'strict' ? undefined : sideCallOf(conversation);
      const key = requestKey(request);
      const entry = remember(key);
      entry.attempts += 1;
      if (entry.attempts > 1) retries += 1;
      const chosen = { key, conversation, sideCall, attempt: entry.attempts };
      const rule = script.find(
        (one) => (sideCall === undefined || one.sideCalls === true) && matches(one, conversation),
      );
      if (rule !== undefined) {
        used.set(rule.name, (used.get(rule.name) ?? 0) + 1);
        const steps = entry.answers.get(rule.name) ?? answerOf(rule, conversation);
        entry.answers.set(rule.name, steps);
        return { ...chosen, answer: { rule: rule.name, steps } };
      }
      if (sideCall === undefined) return { ...chosen, answer: undefined };
      return { ...chosen, answer: { rule: `side call: ${sideCall}`, steps: answerSideCall(sideCall, conversation) } };
    },
    setScript: (next) => {
      script = checkScript(next);
      used.clear();
      given.clear();
    },
    retries: () => retries,
  };
};
