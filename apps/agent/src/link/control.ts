/**
 * The agent's side of the control link: commands come in, proposals go out and are repeated until they are acknowledged.
 * One link at a time, and the newest wins. It does not know what commands do or what events mean.
 */
import {
  agentPaths,
  closeCodeOf,
  controlVersion,
  toAgentControl,
  type AgentCommand,
  type ApprovalRule,
  type FromAgentControl,
  type ToAgentControl,
} from '@remote-claude/contract';
import type { WebSocket } from 'ws';

import type { Blobs } from '../journal/blobs.js';
import type { Batch, Journal } from '../journal/journal.js';
import type { Log } from '../parts.js';

export interface ControlLink {
  accept(socket: WebSocket): void;
  close(): void;
}

export interface ControlLinkDeps {
  journal: Journal;
  blobs: Blobs;
  agentVersion: string;
  onCommand(command: AgentCommand): Promise<void>;
  onRules(rules: readonly ApprovalRule[]): void;
  idleMs(): number;
  /** Nobody has reached the agent for `orphanTimeoutMs`. */
  onOrphaned(): void;
  orphanTimeoutMs: number;
  log: Log;
  activityMs?: number;
  heartbeatMs?: number;
  deadAfterMs?: number;
  repeatAfterMs?: number;
}

const times = { activityMs: 5_000, heartbeatMs: 10_000, deadAfterMs: 25_000, repeatAfterMs: 15_000 };
/** Bytes that may wait in the socket: a server that reads slowly is not sent the whole journal at once. */
const maxBufferedBytes = 1024 * 1024;
/** Blobs on their way that are not yet stored: the server takes them one by one. */
const maxBlobsUnderWay = 4;
const replacedCode = 4409;

export const createControlLink = (deps: ControlLinkDeps): ControlLink => {
  const { journal, blobs, log, orphanTimeoutMs, onOrphaned } = deps;
  let link: Link | null = null;
  let orphanTimer: NodeJS.Timeout | null = null;
  let isClosed = false;

  const waitForServer = (): void => {
    if (orphanTimer !== null) clearTimeout(orphanTimer);
    if (!isClosed) orphanTimer = setTimeout(onOrphaned, orphanTimeoutMs);
  };

  journal.onReady(() => link?.pump());
  blobs.onPut((hash) => link?.offerBlob(hash));
  waitForServer();

  return {
    accept: (socket) => {
      link?.replace();
      if (orphanTimer !== null) clearTimeout(orphanTimer);
      const next = createLink(deps, socket);
      link = next;
      log('info', 'The control link is up.', { path: agentPaths.control });
      socket.once('close', (code) => {
        next.stop();
        if (link !== next) return;
        link = null;
        log('info', 'The control link is down.', { code });
        waitForServer();
      });
    },
    close: () => {
      isClosed = true;
      if (orphanTimer !== null) clearTimeout(orphanTimer);
      link?.end();
    },
  };
};

interface Link {
  pump(): void;
  offerBlob(hash: string): void;
  replace(): void;
  end(): void;
  stop(): void;
}

const createLink = (deps: ControlLinkDeps, socket: WebSocket): Link => {
  const { journal, blobs, agentVersion, onCommand, idleMs, log } = deps;
  const { activityMs, heartbeatMs, deadAfterMs, repeatAfterMs } = { ...times, ...deps };
  /** The last number handed out on this link, by source. */
  const sent = new Map<string, number>();
  const unsentBlobs = new Set(blobs.pending());
  const blobsUnderWay = new Set<string>();
  // By a clock that nobody sets: a step of the other one is no silence, and hides none.
  let heardAt = performance.now();
  let progressAt = performance.now();

  const send = (message: FromAgentControl): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message), () => pump());
  };

  const hasRoom = (): boolean => socket.readyState === socket.OPEN && socket.bufferedAmount < maxBufferedBytes;

  const pump = (): void => {
    for (const hash of unsentBlobs) {
      if (!hasRoom() || blobsUnderWay.size >= maxBlobsUnderWay) break;
      sendBlob(hash);
    }
    while (hasRoom()) {
      const batch = journal.next(sent);
      if (batch === null) return;
      // Stored in the order in which they are told, no event is there before a blob that it names.
      const told = unsentBlobs.size === 0 ? batch.proposals : beforeNaming(unsentBlobs, batch.proposals);
      const last = told.at(-1);
      if (last === undefined) return;
      if (sent.size === 0) progressAt = performance.now();
      sent.set(batch.source, last.n);
      const proposals = told.map(({ n, event, commandIds }) => ({
        n,
        event,
        ...(commandIds === undefined ? {} : { commandIds: [...commandIds] }),
      }));
      send({ type: 'propose', source: batch.source, proposals });
    }
  };

  const sendBlob = (hash: string): void => {
    unsentBlobs.delete(hash);
    const blob = blobs.read(hash);
    if (blob === null) return;
    blobsUnderWay.add(hash);
    send({ type: 'blob', ...blob });
  };

  const take = (message: ToAgentControl): void => {
    switch (message.type) {
      case 'command':
        return void onCommand(message.command).catch((cause: unknown) =>
          log('error', 'A command failed.', {
            id: message.command.id,
            type: message.command.type,
            cause: String(cause),
          }),
        );
      case 'ack':
        progressAt = performance.now();
        journal.acknowledge(message.source, message.n);
        return;
      case 'reject':
        progressAt = performance.now();
        journal.reject(message.source, message.n, message.reason);
        return;
      case 'rules':
        return deps.onRules(message.rules);
      case 'blob-ack':
        blobs.stored(message.hash);
        blobsUnderWay.delete(message.hash);
        return pump();
    }
  };

  socket.on('error', () => socket.terminate());
  const heard = (): void => void (heardAt = performance.now());
  // A server whose store is behind does not read, so it cannot answer; its own pings still say that it is there.
  socket.on('ping', heard);
  socket.on('pong', heard);
  socket.on('message', (data, isBinary) => {
    heard();
    const parsed = isBinary ? null : parse(data);
    if (parsed === null) {
      log('error', 'The control link carried something that is no message of it.');
      return socket.close(closeCodeOf('bad_request'), 'This is no message of the control link.');
    }
    take(parsed);
  });

  const activity = setInterval(() => {
    send({ type: 'activity', idleMs: idleMs() });
    // The server may have lost what it was sent, for example with its database: then it is told again.
    if (journal.hasUnacknowledged() && performance.now() - progressAt > repeatAfterMs) {
      progressAt = performance.now();
      sent.clear();
      pump();
    }
  }, activityMs);
  const heartbeat = setInterval(() => {
    if (performance.now() - heardAt > deadAfterMs) socket.terminate();
    else socket.ping();
  }, heartbeatMs);

  send({ type: 'hello', version: controlVersion, agentVersion, source: journal.source, idleMs: idleMs() });
  pump();

  return {
    pump,
    offerBlob: (hash) => {
      if (!blobsUnderWay.has(hash)) unsentBlobs.add(hash);
      pump();
    },
    replace: () => socket.close(replacedCode, 'A newer control link took over.'),
    end: () => socket.close(1001, 'The agent goes.'),
    stop: () => {
      clearInterval(activity);
      clearInterval(heartbeat);
    },
  };
};

/** Those before the first one that names a blob of these. */
const beforeNaming = (hashes: ReadonlySet<string>, proposals: Batch['proposals']): Batch['proposals'] => {
  const names = ({ event }: Batch['proposals'][number]): boolean =>
    (JSON.stringify(event).match(/[0-9a-f]{64}/g) ?? []).some((hash) => hashes.has(hash));
  const first = proposals.findIndex(names);
  return first === -1 ? proposals : proposals.slice(0, first);
};

const parse = (data: unknown): ToAgentControl | null => {
  try {
    return toAgentControl.parse(JSON.parse(String(data)));
  } catch {
    return null;
  }
};
