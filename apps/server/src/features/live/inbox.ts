// From the bytes of a viewer to a message that it may send, or to the error that it gets. It does nothing with either.

import {
  AppError,
  clientMessage,
  decodeTerminalFrame,
  frameKind,
  messagePermissions,
  sessionSockets,
  writingFileActions,
  writingTerminalActions,
  type ClientMessage,
  type SessionPermission,
} from '@remote-claude/contract';

import { invalidFields, type SocketContext } from '../../platform/http/index.js';

export type Checked = { ok: true; message: ClientMessage } | { ok: false; id: string; error: AppError; malformed: boolean };

const idOf = (value: unknown): string => {
  const id = typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : undefined;
  return typeof id === 'string' ? id.slice(0, 64) : '';
};

const neededFor = (message: ClientMessage): readonly SessionPermission[] => {
  const base = messagePermissions[message.type];
  const needed = base === null ? [] : [base];
  if (message.type === 'terminal' && (writingTerminalActions as readonly string[]).includes(message.payload.action)) {
    return [...needed, 'session.terminal.write'];
  }
  if (message.type === 'file' && (writingFileActions as readonly string[]).includes(message.payload.action)) {
    return [...needed, 'session.files.write'];
  }
  return needed;
};

export const checkText = (context: Pick<SocketContext, 'name' | 'permissions'>, text: string): Checked => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, id: '', error: new AppError('bad_request', { message: 'This is not JSON.' }), malformed: true };
  }
  const id = idOf(value);
  const parsed = clientMessage.safeParse(value);
  if (!parsed.success) return { ok: false, id, error: invalidFields(parsed.error), malformed: true };
  const message = parsed.data;
  if (!(sessionSockets[context.name].accepts as readonly string[]).includes(message.type)) {
    const error = new AppError('bad_request', { message: `This socket does not take "${message.type}"; the session's ws does.` });
    return { ok: false, id, error, malformed: true };
  }
  const missing = neededFor(message).find((permission) => !context.permissions.has(permission));
  if (missing !== undefined) return { ok: false, id, error: new AppError('forbidden', { permission: missing }), malformed: false };
  return { ok: true, message };
};

/** null where the frame may pass to the agent, unread but for its header. */
export const checkBinary = (context: Pick<SocketContext, 'name' | 'permissions'>, bytes: Uint8Array): AppError | null => {
  const frame = decodeTerminalFrame(bytes);
  if (frame === null || frame.kind !== frameKind.input) {
    return new AppError('bad_request', { message: 'Binary frames carry input of a terminal.' });
  }
  if (!sessionSockets[context.name].binary) return new AppError('bad_request', { message: 'This socket takes no binary frames.' });
  return context.permissions.has('session.terminal.write') ? null : new AppError('forbidden', { permission: 'session.terminal.write' });
};
