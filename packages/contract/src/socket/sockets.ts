/** The four sockets of a session. Three are filters over `ws`: the same envelope, fewer types. */
import type { SessionPermission } from '../permissions.js';
import type { ClientMessageType } from './client-messages.js';

export interface SocketFilter {
  path: string;
  summary: string;
  /** Needed to open it. What a message needs besides stands in `messagePermissions`. */
  permission: SessionPermission;
  accepts: readonly ClientMessageType[];
  /** Whether terminal frames pass. */
  binary: boolean;
}

export const sessionSockets = {
  ws: {
    path: '/sessions/:id/ws',
    summary: 'Everything of a session in one socket.',
    permission: 'session.chat.read',
    accepts: [
      'stream',
      'claude',
      'interrupt',
      'withdraw',
      'approve',
      'configure',
      'terminal',
      'file',
      'execute',
      'ping',
    ],
    binary: true,
  },
  claude: {
    path: '/sessions/:id/claude',
    summary: 'Chat: events, live text, commands.',
    permission: 'session.chat.read',
    accepts: ['stream', 'claude', 'interrupt', 'withdraw', 'approve', 'configure', 'ping'],
    binary: false,
  },
  terminal: {
    path: '/sessions/:id/terminal',
    summary: 'Terminals of a session.',
    permission: 'session.terminal.read',
    accepts: ['stream', 'terminal', 'execute', 'ping'],
    binary: true,
  },
  files: {
    path: '/sessions/:id/files',
    summary: 'Files of a session, and what changes on its disk.',
    permission: 'session.files.read',
    accepts: ['stream', 'file', 'ping'],
    binary: false,
  },
} as const satisfies Record<string, SocketFilter>;
export type SessionSocketName = keyof typeof sessionSockets;

/** What each message needs. The `stream` of a socket needs no more than the socket. */
export const messagePermissions: { readonly [T in ClientMessageType]: SessionPermission | null } = {
  stream: null,
  ping: null,
  claude: 'session.chat.write',
  interrupt: 'session.chat.write',
  withdraw: 'session.chat.write',
  approve: 'session.approve',
  configure: 'session.chat.write',
  terminal: 'session.terminal.read',
  file: 'session.files.read',
  execute: 'session.execute',
};

/** Actions of `terminal` and `file` that change something need the write permission too. */
export const writingTerminalActions = ['create', 'write', 'resize', 'take', 'rename', 'destroy'] as const;
export const writingFileActions = ['write', 'delete', 'mkdir', 'move'] as const;

/** Prefix of the sub-protocol that carries a one-time ticket; the other sub-protocol is `remote-claude.v1`. */
export const ticketProtocolPrefix = 'ticket.';
export const socketProtocol = 'remote-claude.v1';
