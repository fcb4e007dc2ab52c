/**
 * Messages to a session: from a browser or a program to the server, and onward to the agent where it acts there.
 * Every message is an envelope `{ id, type, payload }`; the answer carries the same id.
 */
import { z } from 'zod';

import { approvalId, commandId, terminalId, turnId } from '../ids.js';
import { terminalName, terminalSize } from '../events/agent-events.js';
import { approvalAnswer } from '../model/approval.js';
import { treePath } from '../model/file.js';
import { plainText } from '../model/plain-text.js';
import { effort, modelName, permissionMode } from '../model/session.js';

export const promptText = z.string().min(1).max(200_000);
export const executeRequest = z.strictObject({
  /** Run by `bash -c` inside the session. */
  command: plainText.min(1).max(100_000),
  workingDirectory: treePath.optional(),
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), plainText.max(32_000)).optional(),
  timeoutMs: z.int().min(1).max(3_600_000).optional(),
});
export type ExecuteRequest = z.infer<typeof executeRequest>;

export const claudeSettings = z.strictObject({
  model: modelName.nullable().optional(),
  permissionMode: permissionMode.exclude(['bypassPermissions']).optional(),
  effort: effort.nullable().optional(),
});
export type ClaudeSettings = z.infer<typeof claudeSettings>;

const size = { cols: terminalSize.cols, rows: terminalSize.rows };

/** What a terminal is asked. Output and, where it can, input travel as binary frames (`socket/binary.ts`). */
export const terminalRequest = z.discriminatedUnion('action', [
  /** `terminalId` is chosen by the sender: twice is once. The creator is attached. */
  z.strictObject({ action: z.literal('create'), terminalId, name: terminalName.optional(), ...size }),
  /** See the screen: from `after`, the count of output bytes already drawn, or a snapshot where that is too old. */
  z.strictObject({ action: z.literal('attach'), terminalId, after: z.int().nonnegative().optional() }),
  z.strictObject({ action: z.literal('detach'), terminalId }),
  /** Input for programs that speak JSON only; a page sends binary frames. */
  z.strictObject({ action: z.literal('write'), terminalId, data: z.string().max(65_536) }),
  /** Of no effect while another person types. */
  z.strictObject({ action: z.literal('resize'), terminalId, ...size }),
  /** Type here from now on, instead of whoever does. */
  z.strictObject({ action: z.literal('take'), terminalId }),
  /** The viewer has drawn output up to this count of bytes: credit for more. */
  z.strictObject({ action: z.literal('ack'), terminalId, offset: z.int().nonnegative() }),
  z.strictObject({ action: z.literal('rename'), terminalId, name: terminalName }),
  z.strictObject({ action: z.literal('destroy'), terminalId }),
]);
export type TerminalRequest = z.infer<typeof terminalRequest>;

export const fileEncoding = z.enum(['utf8', 'base64']);

export const fileRequest = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('list'), path: treePath }),
  z.strictObject({ action: z.literal('stat'), path: treePath }),
  /** Up to 1 MiB; larger content goes by HTTP. */
  z.strictObject({ action: z.literal('read'), path: treePath, encoding: fileEncoding.default('utf8') }),
  z.strictObject({
    action: z.literal('write'),
    path: treePath,
    content: z.string().max(1_500_000),
    encoding: fileEncoding.default('utf8'),
    /** The etag that this replaces; null for a file that must not exist yet; absent overwrites nothing. */
    ifMatch: z.string().nullable(),
  }),
  z.strictObject({ action: z.literal('delete'), path: treePath, recursive: z.boolean().default(false) }),
  z.strictObject({ action: z.literal('mkdir'), path: treePath }),
  z.strictObject({ action: z.literal('move'), path: treePath, to: treePath }),
]);
export type FileRequest = z.infer<typeof fileRequest>;

const envelope = <T extends string, P extends z.ZodType>(type: T, payload: P) =>
  z.strictObject({ id: z.string().min(1).max(64), type: z.literal(type), payload });

/** As `envelope`, for what acts: the id is the command's, so that sending it again is harmless. */
const command = <T extends string, P extends z.ZodType>(type: T, payload: P) =>
  z.strictObject({ id: commandId, type: z.literal(type), payload });

export const clientMessages = [
  /** Follow something: `events` with the cursor that the reader has, `files` for changes on disk, `execute` for output. */
  envelope(
    'stream',
    z.strictObject({
      action: z.enum(['subscribe', 'unsubscribe']),
      of: z.enum(['events', 'files', 'execute']),
      epoch: z.string().max(64).optional(),
      /** The number of the last event that the reader has; absent on a first load. */
      after: z.int().nonnegative().optional(),
    }),
  ),
  command('claude', z.strictObject({ prompt: promptText })),
  /** Without `turnId` it means the turn that runs when the server takes it. */
  command('interrupt', z.strictObject({ turnId: turnId.optional() })),
  command('withdraw', z.strictObject({ messageId: commandId })),
  command('approve', z.strictObject({ approvalId, ...approvalAnswer.shape })),
  command('configure', claudeSettings),
  envelope('terminal', terminalRequest),
  envelope('file', fileRequest),
  envelope('execute', executeRequest),
  envelope('ping', z.strictObject({})),
] as const;

export const clientMessage = z.discriminatedUnion('type', clientMessages);
export type ClientMessage = z.infer<typeof clientMessage>;
export type ClientMessageType = ClientMessage['type'];

/** What an agent's live socket takes: what the server hands on after it has checked it. */
export const liveMessageTypes = [
  'stream',
  'terminal',
  'file',
  'execute',
  'ping',
] as const satisfies readonly ClientMessageType[];
export type LiveMessage = Extract<ClientMessage, { type: (typeof liveMessageTypes)[number] }>;

export const clientMessageVersions: { readonly [T in ClientMessageType]: number } = {
  stream: 1,
  claude: 1,
  interrupt: 1,
  withdraw: 1,
  approve: 1,
  configure: 1,
  terminal: 1,
  file: 1,
  execute: 1,
  ping: 1,
};

/** Bytes of one text frame, and of one binary frame. A larger one closes the socket: 1009 or 4413. */
export const maxFrameBytes = 2 * 1024 * 1024;
