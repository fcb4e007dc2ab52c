/**
 * What the SDK says → events of the log and passing messages. It holds no state of its own: blocks, tool calls and turns
 * have theirs. It does not know what comes next, and never shows what Claude Code says to itself as a person's words.
 */
import type { SDKMessage } from '@anthropic-ai/claude-agent-sdk';
import {
  permissionMode,
  type PermissionMode,
  type ServerMessage,
  type TokenUsage,
  type TurnId,
} from '@remote-claude/contract';

import type { Propose } from '../parts.js';
import type { Blocks, StreamEvent } from './blocks.js';
import { boundedText } from './bounded.js';
import { isHopeless, retrySentence } from './failures.js';
import { textOfResult, usageOf } from './sdk-content.js';
import type { ToolCalls } from './tool-calls.js';
import type { Turn } from './turns.js';

type MessageOf<T extends SDKMessage['type']> = Extract<SDKMessage, { type: T }>;
type SystemMessage = MessageOf<'system'>;
export type ResultMessage = MessageOf<'result'>;

export interface Translator {
  handle(message: SDKMessage): Promise<void>;
  /** Words for a subagent; null where it is not known. */
  agentName(agentId: string): string | null;
  /** The tool call that started a subagent. */
  parentOf(agentId: string): string | null;
  readonly backgroundTasks: number;
  /** The process is gone, and what ran in its background. */
  processEnded(): void;
}

export interface TranslatorDeps {
  propose: Propose;
  publish(message: ServerMessage): void;
  blocks: Blocks;
  tools: ToolCalls;
  keepBlob(text: string): string | null;
  /** The running turn; Claude may begin one by itself, so this may begin one. */
  turn(): Promise<Turn>;
  current(): Turn | null;
  lastTurnId(): TurnId | null;
  onResult(result: ResultMessage, usage: TokenUsage): Promise<void>;
  onConversation(id: string): void;
  onInit(init: Extract<SystemMessage, { subtype: 'init' }>): Promise<void>;
  onMode(mode: PermissionMode): void;
  /** Claude Code would go on for minutes with what cannot work. */
  giveUp(turn: Turn, status: number): void;
}

export const createTranslator = (deps: TranslatorDeps): Translator => {
  const { propose, publish, blocks, tools, keepBlob, turn, current, lastTurnId, onResult } = deps;
  const agents = new Map<string, { name: string; parent: string | null }>();
  let backgroundTasks = 0;

  /** The turn that something of `parent` belongs to: a subagent may outlive the turn that started it. */
  const turnIdFor = async (parent: string | null): Promise<TurnId> =>
    parent === null
      ? (await turn()).turnId
      : (tools.get(parent)?.turnId ?? current()?.turnId ?? lastTurnId() ?? (await turn()).turnId);

  const onAssistant = async (message: MessageOf<'assistant'>): Promise<void> => {
    const parent = message.parent_tool_use_id;
    const { id, model, content } = message.message;
    const turnId = await turnIdFor(parent);
    const isSynthetic = model === '<synthetic>';
    for (const block of content) {
      switch (block.type) {
        case 'text':
        case 'thinking': {
          const text = block.type === 'text' ? block.text : block.thinking;
          if (block.type === 'text' && isSynthetic && message.error !== undefined) {
            const failed = current();
            if (failed !== null) failed.failure = { error: message.error, said: text };
            break;
          }
          if (isSynthetic && isPlaceholder(text)) break;
          if (message.aborted === true) break;
          const blockId = blocks.finish(id, block.type, parent);
          if (text === '') break;
          if (block.type === 'text' && parent === null) noteWords(text);
          void propose({
            type: block.type,
            turnId,
            blockId,
            text: boundedText(text, keepBlob),
            parentToolUseId: parent,
          });
          break;
        }
        case 'tool_use':
          blocks.finish(id, 'tool', parent);
          void tools.called(
            { toolUseId: block.id, name: block.name, input: block.input, parentToolUseId: parent },
            turnId,
          );
          break;
        default:
      }
    }
  };

  const noteWords = (text: string): void => {
    const running = current();
    if (running !== null) running.message = text;
  };

  const onUser = async (message: MessageOf<'user'>): Promise<void> => {
    const { content } = message.message;
    if (typeof content === 'string') return;
    const meta =
      (message as { tool_result_meta?: { id?: string; non_execution_kind?: string }[] }).tool_result_meta ?? [];
    for (const block of content) {
      if (block.type !== 'tool_result') continue;
      const kind = meta.find(({ id }) => id === block.tool_use_id)?.non_execution_kind;
      const wasCancelled = kind === 'user-rejected' || (current()?.interruptIds.length ?? 0) > 0;
      if (kind === 'permission-rule') tools.denied(block.tool_use_id, null);
      await tools.finished(block.tool_use_id, {
        isError: block.is_error === true,
        wasCancelled,
        text: textOfResult(block.content),
      });
    }
  };

  const onSystem = async (message: SystemMessage): Promise<void> => {
    switch (message.subtype) {
      case 'init':
        deps.onConversation(message.session_id);
        noteMode(message.permissionMode);
        return deps.onInit(message);
      case 'status':
        return noteMode(message.permissionMode);
      case 'api_retry': {
        const { attempt, error_status: status, retry_delay_ms: delayMs } = message;
        blocks.dropOpen(null);
        publish({
          id: '',
          type: 'notice',
          payload: { kind: 'model-retry', text: retrySentence(status, attempt, delayMs) },
        });
        const running = current();
        if (running !== null && status !== null && isHopeless(status, attempt)) deps.giveUp(running, status);
        return;
      }
      case 'compact_boundary': {
        const { trigger, pre_tokens: beforeTokens } = message.compact_metadata;
        return void propose({ type: 'context.compacted', trigger, beforeTokens });
      }
      case 'task_started':
        agents.set(message.task_id, {
          name: [message.subagent_type, message.description]
            .filter((part) => part !== undefined && part !== '')
            .join(': ')
            .slice(0, 200),
          parent: message.tool_use_id ?? null,
        });
        return;
      case 'task_notification':
        agents.delete(message.task_id);
        return;
      case 'background_tasks_changed':
        backgroundTasks = message.tasks.filter(({ ambient }) => ambient !== true).length;
        return;
      case 'permission_denied':
        return tools.denied(message.tool_use_id, null);
      case 'local_command_output': {
        const { turnId } = await turn();
        noteWords(message.content);
        const blockId = blocks.finish(message.uuid, 'text', null);
        return void propose({
          type: 'text',
          turnId,
          blockId,
          text: boundedText(message.content, keepBlob),
          parentToolUseId: null,
        });
      }
      case 'informational':
        if (message.level === 'warning')
          publish({ id: '', type: 'notice', payload: { kind: 'warning', text: message.content.slice(0, 2_000) } });
        return;
      default:
    }
  };

  const noteMode = (mode: string | undefined): void => {
    const known = permissionMode.safeParse(mode);
    if (known.success) deps.onMode(known.data);
  };

  return {
    handle: async (message) => {
      switch (message.type) {
        case 'stream_event': {
          const parent = message.parent_tool_use_id;
          const running = parent === null ? current() : null;
          // The usual case stays synchronous: one delta is one message.
          const turnId = running === null ? await turnIdFor(parent) : running.turnId;
          return blocks.onStreamEvent(message.event as StreamEvent, turnId, parent);
        }
        case 'assistant':
          return onAssistant(message);
        case 'user':
          return onUser(message);
        case 'result':
          return onResult(message, usageOf(message.usage));
        case 'system':
          return onSystem(message);
        case 'tool_progress': {
          const { tool_use_id: toolUseId, elapsed_time_seconds: seconds } = message;
          return publish({
            id: '',
            type: 'tool-progress',
            payload: { toolUseId, elapsedMs: seconds * 1_000, outcome: null },
          });
        }
        case 'conversation_reset':
          return deps.onConversation(message.new_conversation_id);
        default:
      }
    },
    agentName: (id) => agents.get(id)?.name ?? null,
    parentOf: (id) => agents.get(id)?.parent ?? null,
    get backgroundTasks() {
      return backgroundTasks;
    },
    processEnded: () => {
      backgroundTasks = 0;
      agents.clear();
    },
  };
};

/** Claude Code puts such words where an answer is missing; they are no answer. */
const isPlaceholder = (text: string): boolean =>
  text === '' || text === 'No response requested.' || text === '(no content)';

/** A background task's own turn may end while a prompt waits inside Claude Code for its turn. */
export const isOfOtherTurn = (result: ResultMessage, turn: Turn): boolean => {
  const { promptId } = turn;
  if (promptId === null || result.origin === undefined || result.origin.kind === 'human') return false;
  const answered =
    result.user_message_uuids ?? (result.user_message_uuid === undefined ? [] : [result.user_message_uuid]);
  return !answered.includes(promptId);
};
