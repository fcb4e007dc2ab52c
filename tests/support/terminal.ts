// A recording terminal of a viewer: every byte with its position, what was left out, and what came as something else. It
// draws nothing. As in a page, bytes that it has are dropped when they come again.

import {
  decodeTerminalFrame,
  encodeTerminalFrame,
  frameKind,
  type ServerMessageOf,
  type TerminalId,
} from '@remote-claude/contract';

import type { Viewer } from './viewer.js';
import { until } from './wait.js';

export interface RecordingTerminal {
  id: TerminalId;
  /** Output since the beginning, as far as it came as bytes. */
  text(): string;
  /** Positions at which bytes were missing, and at which other ones came than before. */
  gaps(): number[];
  repeats(): number[];
  /** Snapshots that were sent instead of bytes. */
  screens(): readonly ServerMessageOf<'terminal-screen'>['payload'][];
  type(text: string): void;
  /** Types under the number that was used last. */
  again(text: string): void;
  until(pattern: RegExp, timeoutMs?: number): Promise<string>;
}

const pastBytes = 256 * 1024;

export const openTerminal = async (viewer: Viewer, { cols = 80, rows = 24 } = {}): Promise<RecordingTerminal> => {
  const id = crypto.randomUUID() as TerminalId;
  const screens: ServerMessageOf<'terminal-screen'>['payload'][] = [];
  const [gaps, repeats]: [number[], number[]] = [[], []];
  const decoder = new TextDecoder();
  let text = '';
  let position = 0;
  let inputs = 0;

  /** The last bytes before `position`, as far as they came without a gap. */
  let past = Buffer.alloc(0);
  viewer.onBytes((bytes) => {
    const frame = decodeTerminalFrame(bytes);
    if (frame === null || frame.terminalId !== id || frame.kind !== frameKind.output) return;
    if (frame.position > position) {
      gaps.push(position);
      past = Buffer.alloc(0);
      position = frame.position;
    }
    const known = Math.min(position - frame.position, frame.bytes.length);
    const before = past.length - (position - frame.position);
    const had = past.subarray(Math.max(0, before), Math.max(0, before + known));
    if (known > 0 && Buffer.compare(had, frame.bytes.subarray(known - had.length, known)) !== 0)
      repeats.push(frame.position);
    const fresh = frame.bytes.subarray(known);
    if (fresh.length === 0) return;
    text += decoder.decode(fresh, { stream: true });
    past = Buffer.concat([past, fresh]).subarray(-pastBytes);
    position += fresh.length;
    viewer.send('terminal', { action: 'ack', terminalId: id, offset: position });
  });
  viewer.onMessage((message) => {
    if (message.type !== 'terminal-screen' || message.payload.terminalId !== id) return;
    screens.push(message.payload);
    position = message.payload.offset;
    past = Buffer.alloc(0);
  });
  viewer.send('terminal', { action: 'create', terminalId: id, cols, rows });
  // Said on each new line, and when the agent comes: the terminal is seen from where it was left.
  viewer.onMessage((message) => {
    if (message.type === 'place' && message.payload.reachable)
      viewer.send('terminal', { action: 'attach', terminalId: id, after: position });
  });

  const put = (typed: string): void => {
    const bytes = new TextEncoder().encode(typed);
    viewer.sendBytes(encodeTerminalFrame({ kind: frameKind.input, terminalId: id, position: inputs, bytes }));
  };
  const terminal: RecordingTerminal = {
    id,
    text: () => text,
    gaps: () => gaps,
    repeats: () => repeats,
    screens: () => screens,
    type(typed) {
      inputs += 1;
      put(typed);
    },
    again: put,
    until: (pattern, timeoutMs = 60_000) =>
      until(() => pattern.exec(text)?.[0], {
        what: () => `${pattern} in the terminal; it ends ${JSON.stringify(text.slice(-400))}`,
        timeoutMs,
      }),
  };
  await viewer.event('terminal.opened', (event) => event.terminalId === id);
  return terminal;
};
