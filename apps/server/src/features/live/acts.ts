// What a message on a socket does and needs: who may send it, and the audit row of one that acts. Pure but for the audit.

import {
  frameHeaderBytes,
  frameKind,
  messagePermissions,
  writingFileActions,
  writingTerminalActions,
  type ClientMessage,
  type SessionPermission,
} from '@remote-claude/contract';

const isOneOf = (list: readonly string[], value: string): boolean => list.includes(value);

/** Everything that the sender must be permitted. */
export const permissionsOf = (message: ClientMessage): SessionPermission[] => {
  const base = messagePermissions[message.type];
  const needed: SessionPermission[] = base === null ? [] : [base];
  if (message.type === 'terminal' && isOneOf(writingTerminalActions, message.payload.action))
    needed.push('session.terminal.write');
  if (message.type === 'file' && isOneOf(writingFileActions, message.payload.action))
    needed.push('session.files.write');
  if (message.type === 'stream') needed.push(streamPermissions[message.payload.of]);
  return needed;
};

const streamPermissions = {
  events: 'session.chat.read',
  files: 'session.files.read',
  execute: 'session.execute',
} as const satisfies Record<string, SessionPermission>;

export interface AuditWords {
  action: string;
  details: Record<string, unknown>;
}

const fileActions: Readonly<Record<string, string>> = {
  write: 'files.put',
  delete: 'files.delete',
  mkdir: 'files.mkdir',
  move: 'files.move',
};

/** What is written to the audit log before the message goes on; null for what only looks. Typing is audited once per terminal. */
export const auditOf = (message: ClientMessage, typedIn: ReadonlySet<string>): AuditWords | null => {
  if (message.type === 'execute')
    return { action: 'sessions.execute', details: { command: message.payload.command.slice(0, 2_000) } };
  if (message.type === 'file') {
    const { payload } = message;
    const action = fileActions[payload.action];
    if (action === undefined) return null;
    return { action, details: { path: payload.path, ...(payload.action === 'move' ? { to: payload.to } : {}) } };
  }
  if (message.type === 'terminal') {
    const { action, terminalId } = message.payload;
    if (action === 'write')
      return typedIn.has(terminalId) ? null : { action: 'terminal.write', details: { terminalId } };
    return action === 'create' || action === 'take' || action === 'rename' || action === 'destroy'
      ? { action: `terminal.${action}`, details: { terminalId } }
      : null;
  }
  return null;
};

/** The terminal that a frame of input is for; null for bytes that are no such frame. */
export const inputTerminalOf = (frame: Buffer): string | null =>
  frame.length >= frameHeaderBytes && frame[0] === frameKind.input ? frame.toString('hex', 1, 17) : null;

/** The same form for an id, so that typing by either way is one. */
export const plainTerminalId = (terminalId: string): string => terminalId.replaceAll('-', '').toLowerCase();
