/** Messages from a session: events with their numbers, live text, terminals, files, answers and errors. */
import { z } from 'zod';

import { blockId, commandId, terminalId, turnId } from '../ids.js';
import { terminalSize, toolOutcome, turnOutcome } from '../events/agent-events.js';
import { errorPayload } from '../errors.js';
import { numberedEvent } from '../events/index.js';
import { fileChange, fileNode } from '../model/file.js';
import { author } from '../model/user.js';
import { sessionState } from '../state/session-state.js';

/** What streams: text, or its inside of a code fence; thinking; the input of a tool call as it is written. */
export const blockKind = z.enum(['text', 'thinking', 'tool']);

/** A block that is being written: everything of it so far. `tool` names the tool whose input it is. */
export const openBlock = z.object({
  turnId,
  blockId,
  kind: blockKind,
  tool: z.string().nullable(),
  parentToolUseId: z.string().nullable(),
  text: z.string(),
});
export type OpenBlock = z.infer<typeof openBlock>;

export const executeResult = z.object({
  stdout: z.string(),
  stderr: z.string(),
  /** null where a signal or the time limit ended it. */
  exitCode: z.int().nullable(),
  timedOut: z.boolean(),
  /** Output beyond the cap of 1 MiB each was dropped. */
  truncated: z.boolean(),
});
export type ExecuteResult = z.infer<typeof executeResult>;

export const fileResult = z.object({
  success: z.boolean(),
  data: z
    .object({
      node: fileNode.optional(),
      nodes: z.array(fileNode).optional(),
      content: z.string().optional(),
      encoding: z.enum(['utf8', 'base64']).optional(),
    })
    .optional(),
  error: errorPayload.optional(),
});
export type FileResult = z.infer<typeof fileResult>;

const envelope = <T extends string, P extends z.ZodType>(type: T, payload: P) =>
  z.object({ id: z.string().max(64), type: z.literal(type), payload });

export const serverMessages = [
  /** Answer to `stream subscribe events`. On a first load `events` are the last ones; with a cursor they follow in `events`. */
  envelope(
    'hello',
    z.object({
      epoch: z.string(),
      /** Number of the oldest event there is; 0 for none. */
      first: z.int().nonnegative(),
      head: z.int().nonnegative(),
      state: sessionState,
      events: z.array(numberedEvent),
      open: z.array(openBlock),
      /** What the reader may do here, for the page to show. */
      permissions: z.array(z.string()),
    }),
  ),
  envelope('events', z.object({ events: z.array(numberedEvent) })),
  /** Snapshot of a block for a reader that came late or lags; replaces what it has of it. */
  envelope('open-block', openBlock),
  /** More of an open block: `content` begins at `offset`, in UTF-16 units. */
  envelope(
    'claude-stream',
    z.object({
      turnId,
      blockId,
      type: z.enum(['text', 'code', 'thinking', 'tool']),
      tool: z.string().nullable(),
      parentToolUseId: z.string().nullable(),
      offset: z.int().nonnegative(),
      content: z.string(),
    }),
  ),
  /** An open block is no more: its final event follows in the log, or Claude begins it anew. */
  envelope('block-dropped', z.object({ blockId })),
  envelope('claude-complete', z.object({ success: z.boolean(), turnId, outcome: turnOutcome })),
  /** Something passing that people want to see and that no one needs tomorrow. */
  envelope(
    'notice',
    z.object({ kind: z.enum(['model-retry', 'stalled', 'info', 'warning']), text: z.string().max(2_000) }),
  ),
  /** Progress of a running tool. */
  envelope(
    'tool-progress',
    z.object({ toolUseId: z.string(), elapsedMs: z.number(), outcome: toolOutcome.nullable() }),
  ),
  /** A command is stored: it will be done exactly once. */
  envelope('accepted', z.object({ commandId })),
  /** The screen at `offset` bytes of output, as escape sequences for an emulator of that size. `skipped` bytes are not shown. */
  envelope(
    'terminal-screen',
    z.object({
      terminalId,
      offset: z.int().nonnegative(),
      ...terminalSize,
      screen: z.string(),
      skipped: z.int().nonnegative(),
      ended: z.boolean(),
    }),
  ),
  /** For readers of JSON alone; a page gets binary frames. */
  envelope('terminal-data', z.object({ terminalId, offset: z.int().nonnegative(), data: z.string() })),
  envelope('terminal-resized', z.object({ terminalId, ...terminalSize })),
  /** Who types here, in all windows of theirs; of others nothing is typed. null: whoever types first. */
  envelope('terminal-writer', z.object({ terminalId, writer: author.nullable() })),
  /** Input up to this number was written to the terminal. */
  envelope('terminal-ack', z.object({ terminalId, input: z.int().nonnegative() })),
  envelope('terminal-result', z.object({ terminalId, success: z.boolean(), error: errorPayload.optional() })),
  envelope('file-result', fileResult),
  /** Paths that changed on disk; `overflow` says that there were too many to list, so look again. */
  envelope('files-changed', z.object({ changes: z.array(fileChange), overflow: z.boolean() })),
  envelope('execute-result', executeResult),
  envelope(
    'stream',
    z.object({ of: z.literal('execute'), channel: z.enum(['stdout', 'stderr']), offset: z.int(), data: z.string() }),
  ),
  envelope('error', errorPayload),
  envelope('pong', z.object({})),
  /** The place's agent came or went: live streams begin anew. */
  envelope('place', z.object({ reachable: z.boolean() })),
  /** The server goes; come back after this time. */
  envelope('going-away', z.object({ retryAfterMs: z.int().nonnegative() })),
] as const;

export const serverMessage = z.discriminatedUnion('type', serverMessages);
export type ServerMessage = z.infer<typeof serverMessage>;
export type ServerMessageType = ServerMessage['type'];
export type ServerMessageOf<T extends ServerMessageType> = Extract<ServerMessage, { type: T }>;

export const serverMessageVersions: { readonly [T in ServerMessageType]: number } = {
  hello: 1,
  events: 1,
  'open-block': 1,
  'claude-stream': 1,
  'block-dropped': 1,
  'claude-complete': 1,
  notice: 1,
  'tool-progress': 1,
  accepted: 1,
  'terminal-screen': 1,
  'terminal-data': 1,
  'terminal-resized': 1,
  'terminal-writer': 1,
  'terminal-ack': 1,
  'terminal-result': 1,
  'file-result': 1,
  'files-changed': 1,
  'execute-result': 1,
  stream: 1,
  error: 1,
  pong: 1,
  place: 1,
  'going-away': 1,
};
