/**
 * Durable events that an agent proposes. What an agent says is a claim by code in that session:
 * each is validated and bounded here, and none of them names a person or a cost.
 */
import { z } from 'zod';

import { approvalId, blockId, checkpointId, commandId, terminalId, turnId } from '../ids.js';
import { openApproval, toolInput } from '../model/approval.js';
import { checkpoint, rewindCounts, rewindWhat } from '../model/checkpoint.js';
import { plainText } from '../model/plain-text.js';
import { effort, modelName, permissionMode } from '../model/session.js';
import { boundedText, wholeInput } from '../model/text.js';
import { tokenUsage } from '../model/usage.js';

const toolUseId = z.string().min(1).max(128);
/** The tool call of the subagent's parent, where a subagent does this. */
const parentToolUseId = z.string().max(128).nullable();
const shortText = z.string().max(2_000);
export const terminalName = plainText.trim().min(1).max(80);
export const terminalSize = { cols: z.int().min(2).max(1_000), rows: z.int().min(1).max(500) };

export const todoItem = z.object({
  content: z.string().max(1_000),
  activeForm: z.string().max(1_000).optional(),
  status: z.enum(['pending', 'in_progress', 'completed']),
});
export type TodoItem = z.infer<typeof todoItem>;

export const toolOutcome = z.enum(['ok', 'error', 'denied', 'interrupted', 'unknown']);
export const turnOutcome = z.enum(['completed', 'interrupted', 'failed']);

export const turnEnded = z.object({
  type: z.literal('turn.ended'),
  turnId,
  outcome: turnOutcome,
  /** Why, where it did not complete: a sentence for people. */
  reason: shortText.nullable(),
  /** Claude's last words in the turn. */
  message: boundedText.nullable(),
  usage: tokenUsage,
  durationMs: z.number().nonnegative(),
});

/** A command came and had nothing to do, or could not be done. */
export const commandRefused = z.object({
  type: z.literal('command.refused'),
  commandId,
  command: z.string().max(40),
  reason: shortText,
});

/** The call that asked is gone, so no answer can reach it. */
export const approvalExpired = z.object({ type: z.literal('approval.expired'), approvalId, reason: shortText });

export const agentEvents = [
  /** The process of Claude Code is up; a new one after each park or crash. */
  z.object({
    type: z.literal('claude.started'),
    version: z.string().max(80),
    model: z.string().max(200),
    tools: z.array(z.string().max(200)).max(500),
    slashCommands: z
      .array(
        z.object({ name: z.string().max(200), description: z.string().max(300), argumentHint: z.string().max(200) }),
      )
      .max(200),
  }),
  /** Model, mode or effort were changed, by a person or by Claude itself. */
  z.object({
    type: z.literal('claude.configured'),
    model: modelName.nullable(),
    permissionMode,
    effort: effort.nullable(),
  }),
  /** These queued messages are being worked on now, as one turn. */
  z.object({ type: z.literal('turn.started'), turnId, messageIds: z.array(commandId).max(100) }),
  z.object({ type: z.literal('text'), turnId, blockId, text: boundedText, parentToolUseId }),
  z.object({ type: z.literal('thinking'), turnId, blockId, text: boundedText, parentToolUseId }),
  /** A block that a crash or an interrupt ended: what had come of it. */
  z.object({
    type: z.literal('block.interrupted'),
    turnId,
    blockId,
    kind: z.enum(['text', 'thinking', 'tool']),
    text: boundedText,
  }),
  z.object({
    type: z.literal('tool.called'),
    turnId,
    toolUseId,
    name: z.string().max(200),
    title: shortText,
    input: toolInput,
    /** The input was larger than an event and its long strings were cut. */
    inputCut: z.boolean(),
    wholeInput: wholeInput.optional(),
    parentToolUseId,
  }),
  /** Renders alone: it repeats name and title. */
  z.object({
    type: z.literal('tool.finished'),
    turnId,
    toolUseId,
    name: z.string().max(200),
    title: shortText,
    outcome: toolOutcome,
    output: boundedText,
    durationMs: z.number().nonnegative(),
    parentToolUseId,
  }),
  z.object({ type: z.literal('approval.asked'), approval: openApproval }),
  approvalExpired,
  z.object({ type: z.literal('todo.changed'), items: z.array(todoItem).max(200) }),
  turnEnded,
  z.object({
    type: z.literal('context.compacted'),
    trigger: z.enum(['manual', 'auto']),
    beforeTokens: z.number().nonnegative(),
  }),
  /** A queued message was taken back before Claude saw it. */
  z.object({ type: z.literal('message.withdrawn'), messageId: commandId }),
  commandRefused,
  /** It is repeated where the agent died meanwhile. */
  z.object({ type: z.literal('setup.started'), setupId: commandId }),
  /** What the set-up script prints, as it comes, up to a ceiling. */
  z.object({ type: z.literal('setup.output'), setupId: commandId, text: z.string().max(4_000) }),
  z.object({
    type: z.literal('setup.ended'),
    setupId: commandId,
    /** `skipped`: the same script had ended well on this disk before. */
    outcome: z.enum(['done', 'failed', 'skipped']),
    /** Of the script; null where it did not end by itself, or did not run. */
    exitCode: z.int().nullable(),
    reason: shortText.nullable(),
    durationMs: z.number().nonnegative(),
    /** The end of what it printed; `cut` where there was more before it. */
    output: boundedText,
  }),
  /** The work tree as it is now can be come back to. Done by the agent by itself around each turn, or because someone asked. */
  z.object({ type: z.literal('checkpoint.taken'), ...checkpoint.shape }),
  /** No longer kept, for want of room. */
  z.object({ type: z.literal('checkpoint.dropped'), checkpointIds: z.array(checkpointId).min(1).max(500) }),
  /**
   * A rewind that was asked for is done. Of the chat: what was said from the message on (until now) is no part of the
   * conversation any more; undone, what the other rewind took is back, and what came after it is not.
   */
  z.object({
    type: z.literal('rewind.done'),
    rewindId: commandId,
    what: rewindWhat,
    /** Everything from this message on; null for a checkpoint or an undo. */
    messageId: commandId.nullable(),
    /** The rewind that this takes back. */
    undoes: commandId.nullable(),
    files: z
      .object({
        counts: rewindCounts,
        /** The tree is exactly as it was then. */
        isExact: z.boolean(),
        /** What stays as it is, since it or something in it is not kept on either side. */
        left: z.array(shortText).max(20),
      })
      .nullable(),
  }),
  z.object({ type: z.literal('terminal.opened'), terminalId, name: terminalName, ...terminalSize }),
  z.object({ type: z.literal('terminal.renamed'), terminalId, name: terminalName }),
  /** The shell ended; the screen can still be read. */
  z.object({
    type: z.literal('terminal.ended'),
    terminalId,
    exitCode: z.int().nullable(),
    reason: shortText.nullable(),
  }),
  /** A person closed it; the screen is gone. */
  z.object({ type: z.literal('terminal.closed'), terminalId }),
] as const;

export const agentEvent = z.discriminatedUnion('type', agentEvents);
export type AgentEvent = z.infer<typeof agentEvent>;
