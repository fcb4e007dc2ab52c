// One viewer's own line to the agent, opened when it is first needed: terminals, files, commands. Bytes pass unread.

import { agentPaths, AppError, type ClientMessage } from '@remote-claude/contract';
import type { RawData, WebSocket } from 'ws';

import type { AgentDoor } from '../relay/index.js';

export interface RelayLinkDeps {
  sessionId: string;
  door: AgentDoor;
  /** From the agent to the viewer. */
  onText(text: string): void;
  onBytes(bytes: Buffer): void;
  /** It ended although the viewer still had use for it. */
  onLost(): void;
  /** Bytes that wait for the viewer; past the ceiling the agent is not read from. */
  viewerBacklogBytes(): number;
}

const maxBacklogBytes = 1024 * 1024;
const resumeEveryMs = 20;

export const createRelayLink = (deps: RelayLinkDeps) => {
  let socket: Promise<WebSocket> | null = null;
  let opened: WebSocket | null = null;
  let closed = false;
  let resumeTimer: NodeJS.Timeout | null = null;

  /** Reading stops while the viewer is behind, so that pressure reaches the agent, which knows what to leave out. */
  const holdBack = (from: WebSocket): void => {
    if (resumeTimer !== null || deps.viewerBacklogBytes() < maxBacklogBytes) return;
    from.pause();
    resumeTimer = setInterval(() => {
      if (deps.viewerBacklogBytes() >= maxBacklogBytes / 2) return;
      stopHolding();
      from.resume();
    }, resumeEveryMs);
  };
  const stopHolding = (): void => {
    if (resumeTimer !== null) clearInterval(resumeTimer);
    resumeTimer = null;
  };

  const serve = (from: WebSocket): WebSocket => {
    opened = from;
    if (closed) from.terminate();
    from.on('message', (data: RawData, isBinary: boolean) => {
      if (isBinary) deps.onBytes(data as Buffer);
      else deps.onText((data as Buffer).toString('utf8'));
      holdBack(from);
    });
    from.on('error', () => {});
    from.once('close', () => {
      stopHolding();
      socket = null;
      opened = null;
      if (!closed) deps.onLost();
    });
    return from;
  };

  const open = (): Promise<WebSocket> => {
    if (closed) return Promise.reject(new AppError('client_closed'));
    socket ??= deps.door.connect(deps.sessionId, agentPaths.live).then(serve, (error: unknown) => {
      socket = null;
      throw error;
    });
    return socket;
  };

  return {
    /** Opens the line where it is not open. Throws as the door does. */
    async send(message: ClientMessage): Promise<void> {
      (await open()).send(JSON.stringify(message));
    },
    /** false where there is no line to send on. */
    sendBytes(bytes: Uint8Array): boolean {
      if (opened === null) return false;
      opened.send(bytes);
      return true;
    },
    close(): void {
      closed = true;
      stopHolding();
      opened?.terminate();
    },
  };
};
export type RelayLink = ReturnType<typeof createRelayLink>;
