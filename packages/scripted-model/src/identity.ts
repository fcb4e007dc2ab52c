/**
 * Which requests are the same one again, and the ids that follow from it. A repeated request has the same key, so its
 * answer has the same message id and tool ids. It does not know rules' content or HTTP.
 */
import { createHash } from 'node:crypto';
import { withoutReminders } from './conversation.js';
import { blocksOf, textOf } from './protocol.js';
import type { ContentBlock, MessagesRequest } from './protocol.js';

const idLength = 24;

/**
 * Left out of the key is what changes between two tries of the same call: cache marks, reminders, system turns, the
 * billing line, limits, tools, and whether the answer is streamed. The client's session stays in, so that two
 * sessions with the same words are two conversations.
 */
export const requestKey = (request: MessagesRequest): string => {
  const system = textOf(request.system)
    .split('\n')
    .filter((line) => !line.startsWith('x-anthropic-billing-header'))
    .join('\n');
  const said = request.messages
    .filter((message) => message.role !== 'system')
    .map((message) => [message.role, blocksOf(message.content).flatMap(essence)]);
  return digest(JSON.stringify([sessionOf(request), request.model, system, request.output_config?.format, said]));
};

export const messageId = (key: string, rule: string): string => `msg_${shortDigest(key, rule)}`;
export const toolUseId = (key: string, rule: string, index: number): string =>
  `toolu_${shortDigest(key, rule, String(index))}`;
export const signature = (thought: string): string => digest(thought);

const essence = (block: ContentBlock): unknown[] => {
  if (block.type === 'text') {
    const text = withoutReminders(String(block['text'] ?? ''));
    return text === '' ? [] : [text];
  }
  const { cache_control: _mark, ...rest } = block;
  return [rest];
};

/** Claude Code puts a JSON text with its session into `user_id`; other clients put what they like there. */
const sessionOf = (request: MessagesRequest): string => {
  const userId = request.metadata?.user_id ?? '';
  try {
    const parsed = JSON.parse(userId) as { session_id?: unknown } | null;
    return String(parsed?.session_id ?? '');
  } catch {
    return userId;
  }
};

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const shortDigest = (...parts: readonly string[]): string => digest(parts.join('\n')).slice(0, idLength);
