/**
 * Reads a request as a conversation: who said what, which tools answered, what is new since the model last spoke.
 * Rules match on this. It does not know rules, answers or HTTP.
 */
import { blocksOf, textOf } from './protocol.js';
import type { MessagesRequest } from './protocol.js';

export interface ToolResult {
  readonly id: string;
  /** Name of the tool whose call is answered; '' when the call is not part of the conversation. */
  readonly tool: string;
  readonly input: unknown;
  readonly text: string;
  readonly isError: boolean;
}

export interface Conversation {
  readonly model: string;
  /** The `system` field and every system turn, joined. */
  readonly system: string;
  /** Names of the tools whose schemas came with the request. */
  readonly tools: readonly string[];
  /** What the person wrote last; the current turn began with it. Reminders and notes of Claude Code are left out. */
  readonly userText: string;
  /** The person's text is newer than the model's last message: a turn begins. */
  readonly startsTurn: boolean;
  /** How many turns the person began, this one included. */
  readonly userTurns: number;
  readonly toolResults: readonly ToolResult[];
  /** Results since the current turn began. */
  readonly turnResults: readonly ToolResult[];
  /** Results that came since the model's last message. */
  readonly newResults: readonly ToolResult[];
  readonly request: MessagesRequest;
}

type Entry = { kind: 'text'; text: string } | { kind: 'result'; result: ToolResult } | { kind: 'model' };

const reminders = /<system-reminder>[\s\S]*?<\/system-reminder>/g;
/** Ends a turn though the model may have said nothing that was kept. */
const interruptNote = /^\[Request interrupted by user[^\]]*\]$/;
/** What else Claude Code writes in the user's place: after ToolSearch, and when a broken turn goes on. */
const notes = [
  interruptNote,
  /^Tools? loaded\.$/,
  /^Continue from where you left off\./,
  /^This session's worker process was restarted\./,
];

/** A user text without what Claude Code adds to it; '' when nothing of a person is left. */
export const withoutReminders = (text: string): string => {
  const left = text.replace(reminders, '').trim();
  return notes.some((note) => note.test(left)) ? '' : left;
};

export const readConversation = (request: MessagesRequest): Conversation => {
  const entries = entriesOf(request);
  const lastModel = entries.findLastIndex((entry) => entry.kind === 'model');
  const lastText = entries.findLastIndex((entry) => entry.kind === 'text');
  const turnStart = startOfTurn(entries, lastText);
  const systemTurns = request.messages
    .filter((message) => message.role === 'system')
    .map((message) => textOf(message.content));
  return {
    model: request.model,
    system: [textOf(request.system), ...systemTurns].filter((text) => text !== '').join('\n'),
    tools: (request.tools ?? []).flatMap((tool) => (tool.name === undefined ? [] : [tool.name])),
    userText: entries
      .slice(turnStart, lastText + 1)
      .flatMap((entry) => (entry.kind === 'text' ? [entry.text] : []))
      .join('\n'),
    startsTurn: lastText > lastModel,
    userTurns: entries.filter((entry, index) => entry.kind === 'text' && startOfTurn(entries, index) === index).length,
    toolResults: resultsOf(entries),
    turnResults: resultsOf(entries.slice(lastText + 1)),
    newResults: resultsOf(entries.slice(lastModel + 1)),
    request,
  };
};

/** Several texts with nothing of the model between them are one turn's beginning. */
const startOfTurn = (entries: readonly Entry[], lastText: number): number => {
  let start = lastText;
  for (let index = lastText; index >= 0 && entries[index]?.kind !== 'model'; index -= 1) {
    if (entries[index]?.kind === 'text') start = index;
  }
  return Math.max(start, 0);
};

const resultsOf = (entries: readonly Entry[]): ToolResult[] =>
  entries.flatMap((entry) => (entry.kind === 'result' ? [entry.result] : []));

const entriesOf = (request: MessagesRequest): Entry[] => {
  const calls = new Map<string, { name: string; input: unknown }>();
  const entries: Entry[] = [];
  for (const message of request.messages) {
    if (message.role === 'system') continue;
    if (message.role === 'assistant') entries.push({ kind: 'model' });
    for (const block of blocksOf(message.content)) {
      if (message.role === 'assistant') {
        if (block.type === 'tool_use')
          calls.set(String(block['id']), { name: String(block['name']), input: block['input'] });
      } else if (block.type === 'tool_result') {
        entries.push({ kind: 'result', result: toolResult(block, calls) });
      } else if (block.type === 'text') {
        const words = String(block['text'] ?? '');
        const text = withoutReminders(words);
        if (interruptNote.test(words.trim())) entries.push({ kind: 'model' });
        if (text !== '') entries.push({ kind: 'text', text });
      }
    }
  }
  return entries;
};

const toolResult = (
  block: Record<string, unknown>,
  calls: Map<string, { name: string; input: unknown }>,
): ToolResult => {
  const id = String(block['tool_use_id']);
  const call = calls.get(id);
  return {
    id,
    tool: call?.name ?? '',
    input: call?.input,
    text: textOf(block['content']),
    isError: block['is_error'] === true,
  };
};
