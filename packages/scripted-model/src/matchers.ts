/**
 * Small functions that say when a rule matches, on what the conversation holds.
 * They do not know the order of rules or the steps of an answer.
 */
import type { ToolResult } from './conversation.js';
import type { Matcher } from './script.js';

/** A string is looked for anywhere in the text, letter for letter; a pattern is tested. */
export type Wanted = string | RegExp;

const holds = (text: string, wanted: Wanted): boolean =>
  typeof wanted === 'string' ? text.includes(wanted) : text.search(wanted) >= 0;

const fits = (result: ToolResult, wanted: ResultWanted): boolean =>
  (wanted.text === undefined || holds(result.text, wanted.text)) &&
  (wanted.isError === undefined || result.isError === wanted.isError);

export interface ResultWanted {
  text?: Wanted;
  isError?: boolean;
}

/** A turn begins, and its text holds this. Does not match again once tools have answered in that turn. */
export const userSays =
  (wanted: Wanted): Matcher =>
  (conversation) =>
    conversation.startsTurn && holds(conversation.userText, wanted);

/** The current turn began with this text, however many tools have answered since. */
export const turnSays =
  (wanted: Wanted): Matcher =>
  (conversation) =>
    holds(conversation.userText, wanted);

/** The newest results include one of this tool; of several the last counts. */
export const afterTool =
  (tool: string, wanted: ResultWanted = {}): Matcher =>
  (conversation) => {
    const result = conversation.newResults.findLast((one) => one.tool === tool);
    return result !== undefined && fits(result, wanted);
  };

/** Tools have answered this often in the whole conversation. */
export const toolResults =
  (count: number): Matcher =>
  (conversation) =>
    conversation.toolResults.length === count;

/** Tools have answered this often since the current turn began. */
export const turnResults =
  (count: number): Matcher =>
  (conversation) =>
    conversation.turnResults.length === count;

/** The n-th turn of the conversation, from 1. */
export const turn =
  (number: number): Matcher =>
  (conversation) =>
    conversation.userTurns === number;

export const systemSays =
  (wanted: Wanted): Matcher =>
  (conversation) =>
    holds(conversation.system, wanted);

export const modelIs =
  (wanted: Wanted): Matcher =>
  (conversation) =>
    typeof wanted === 'string' ? conversation.model === wanted : holds(conversation.model, wanted);

/** The request brings this tool with its schema. */
export const offersTool =
  (tool: string): Matcher =>
  (conversation) =>
    conversation.tools.includes(tool);

export const not =
  (matcher: Matcher): Matcher =>
  (conversation) =>
    !matcher(conversation);

export const anyOf =
  (...matchers: readonly Matcher[]): Matcher =>
  (conversation) =>
    matchers.some((matcher) => matcher(conversation));

export const always: Matcher = () => true;
