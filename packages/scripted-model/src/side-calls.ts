/**
 * The calls that Claude Code makes on its own, beside the conversation, and plain answers to them: the quota probe,
 * what it wants as JSON (a session's title), and the summary for compaction. It does not know scripts.
 */
import type { Conversation } from './conversation.js';
import { text } from './script.js';
import type { Step } from './script.js';

export type SideCall = 'quota' | 'structured' | 'compact' | 'suggestion';

const titleChars = 40;

/** Which side call this is; undefined for a call of the conversation itself. */
export const sideCallOf = ({ request, tools, userText }: Conversation): SideCall | undefined => {
  if (request.max_tokens === 1 && userText === 'quota') return 'quota';
  if (tools.length === 0 && request.output_config?.format?.type === 'json_schema') return 'structured';
  if (/create a detailed summary of (the|this|our) conversation/i.test(userText)) return 'compact';
  if (userText.startsWith('[SUGGESTION MODE')) return 'suggestion';
  return undefined;
};

export const answerSideCall = (call: SideCall, conversation: Conversation): readonly Step[] => {
  if (call === 'quota') return [text('ok')];
  if (call === 'structured') return [text(JSON.stringify(structured(conversation)))];
  if (call === 'compact') return [text(compacted)];
  return [];
};

const compacted =
  '<analysis>\nA scripted summary.\n</analysis>\n<summary>\nThe conversation so far was answered by the scripted model.\n</summary>';

/** The smallest value that fits the wanted schema; a title is made of the words of the session. */
const structured = (conversation: Conversation): unknown => {
  const schema = conversation.request.output_config?.format?.['schema'];
  const said = /<session>\s*([\s\S]*?)\s*<\/session>/.exec(conversation.userText)?.[1] ?? conversation.userText;
  const title = said.replace(/\s+/g, ' ').slice(0, titleChars).trim();
  return smallest(schema, title);
};

const smallest = (schema: unknown, words: string): unknown => {
  const {
    type,
    properties,
    required,
    enum: choices,
  } = (schema ?? {}) as {
    type?: string;
    properties?: Record<string, unknown>;
    required?: string[];
    enum?: unknown[];
  };
  if (choices !== undefined) return choices[0];
  if (type === 'object' || properties !== undefined) {
    const names = required ?? Object.keys(properties ?? {});
    return Object.fromEntries(names.map((name) => [name, smallest(properties?.[name], words)]));
  }
  if (type === 'array') return [];
  if (type === 'boolean') return false;
  if (type === 'number' || type === 'integer') return 0;
  return type === 'null' ? null : words;
};
