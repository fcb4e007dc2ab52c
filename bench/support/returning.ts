// A page that comes back: a new socket that says what it has, and is told the rest. It counts what was left out and what came
// twice, and when it had everything. It draws nothing.
import { decodeTerminalFrame, frameKind, socketProtocol, type TerminalId } from '@remote-claude/contract';
import { WebSocket } from 'ws';

export interface Cursor {
  epoch: string;
  /** The last event that it has. */
  seq: number;
  terminal: { id: TerminalId; position: number } | null;
}

export interface Return {
  ms: number;
  events: number;
  bytes: number;
  lost: number;
  twice: number;
}

interface Told {
  type: string;
  payload: { epoch?: string; events?: { seq: number }[] };
}

const timeoutMs = 30_000;

const seqsOf = (told: Told): number[] =>
  told.type === 'hello' || told.type === 'events' ? (told.payload.events ?? []).map(({ seq }) => seq) : [];

/** From the first byte of the new connection until the page has all that is there: the log to `to.seq`, the terminal to its end. */
export const comeBack = (address: string, headers: Record<string, string>, from: Cursor, to: Cursor): Promise<Return> =>
  new Promise((resolve, reject) => {
    const begun = performance.now();
    const found = { ms: 0, events: 0, bytes: 0, lost: 0, twice: 0 };
    let { seq } = from;
    let position = from.terminal?.position ?? 0;
    const socket = new WebSocket(address, [socketProtocol], { headers });
    const timer = setTimeout(() => {
      socket.terminate();
      reject(
        new Error(
          `At ${seq} of ${to.seq} events, ${position} of ${to.terminal?.position} bytes after ${timeoutMs} ms.`,
        ),
      );
    }, timeoutMs);
    const say = (type: string, payload: unknown): void =>
      socket.send(JSON.stringify({ id: crypto.randomUUID(), type, payload }));
    const finish = (): void => {
      if (seq < to.seq || position < (to.terminal?.position ?? 0)) return;
      found.ms = performance.now() - begun;
      clearTimeout(timer);
      socket.removeAllListeners('message');
      socket.terminate();
      resolve(found);
    };
    const take = (next: number): void => {
      if (next <= seq) return void (found.twice += 1);
      found.lost += next - seq - 1;
      found.events += 1;
      seq = next;
    };
    const takeBytes = (data: Buffer): void => {
      const frame = decodeTerminalFrame(data);
      if (from.terminal === null || frame?.terminalId !== from.terminal.id || frame.kind !== frameKind.output) return;
      if (frame.position > position) found.lost += frame.position - position;
      if (frame.position < position) found.twice += position - frame.position;
      position = frame.position + frame.bytes.length;
      found.bytes += frame.bytes.length;
      say('terminal', { action: 'ack', terminalId: from.terminal.id, offset: position });
    };
    socket.on('open', () => {
      say('stream', { action: 'subscribe', of: 'events', epoch: from.epoch, after: from.seq });
      const { terminal } = from;
      if (terminal !== null) say('terminal', { action: 'attach', terminalId: terminal.id, after: terminal.position });
    });
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) takeBytes(data);
      else for (const next of seqsOf(JSON.parse(data.toString('utf8')) as Told)) take(next);
      finish();
    });
    socket.once('error', reject);
  });
