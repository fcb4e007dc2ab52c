/**
 * Claude Code's own record of a conversation, read to find where a message stands in it. Nothing is written: a rewind
 * begins a new conversation from a point of this one, which stays as it is.
 */
import { getSessionMessages } from '@anthropic-ai/claude-agent-sdk';
import type { CommandId } from '@remote-claude/contract';

/** Where the next process of Claude Code goes on. */
export interface ConversationPoint {
  /** Null for a new conversation. */
  conversation: string | null;
  /** The last message that still counts; null for all of them. */
  resumeAt: string | null;
}

/** Just before a message; null where it is no part of the conversation, or was summarised. */
export const pointBefore = async (
  { conversation, resumeAt }: ConversationPoint,
  messageId: CommandId,
  workspace: string,
): Promise<ConversationPoint | null> => {
  if (conversation === null) return null;
  const all = await getSessionMessages(conversation, { dir: workspace });
  const end = resumeAt === null ? all.length : all.findIndex(({ uuid }) => uuid === resumeAt) + 1;
  const index = all.slice(0, end).findIndex(({ uuid }) => uuid === messageId);
  if (index < 0) return null;
  const last = all[index - 1];
  return last === undefined ? { conversation: null, resumeAt: null } : { conversation, resumeAt: last.uuid };
};
