/**
 * Joins one terminal's attachment, the session's socket and an emulator. It does not know React, nor how the emulator draws.
 * The caller closes it; the emulator stays the caller's.
 */
import {
  decodeTerminalFrame,
  encodeTerminalFrame,
  frameKind,
  type Author,
  type TerminalId,
  type TerminalRequest,
} from '@remote-claude/contract';

import { newUuid } from '../../lib/ids';
import type { Incoming, SocketLink } from '../../lib/socket-link';
import {
  newAttachment,
  stepAttachment,
  type Attachment,
  type AttachmentAction,
  type AttachmentEvent,
} from './attachment';
import type { Emulator, TerminalSize } from './emulator';

export type TerminalScreen = Pick<Emulator, 'write' | 'restore' | 'resize'>;

export interface TerminalLinkDeps {
  terminalId: TerminalId;
  /** What to ask for where the terminal is not there yet. */
  create: (TerminalSize & { name: string }) | null;
  send: SocketLink['send'];
  subscribe(listener: (message: Incoming) => void): () => void;
  screen: TerminalScreen;
  /** The attachment changed in what people see of it: phase, refusal, ended, what waits to be typed. */
  onChange(state: Attachment): void;
  onSkipped(bytes: number): void;
  onInputLost(): void;
  /** Who types here; null for whoever does so first. */
  onWriter(writer: Author | null): void;
  /** What was typed was refused, with this sentence. */
  onRefused(sentence: string): void;
  /** It was more than may wait, and nothing of it was sent. */
  onInputRefused(): void;
}

export interface TerminalLink {
  connected(): void;
  disconnected(): void;
  input(bytes: Uint8Array): void;
  /** Lets go of what waits to be typed. */
  discard(): void;
  /** Tells the agent the size that is wanted; the emulator follows when the answer comes. */
  requestSize(size: TerminalSize): void;
  /** Types here from now on, instead of whoever does. */
  take(): void;
  ended(): void;
  close(): void;
}

/** Numbers go on where the last attachment of this page left off: the connection may still be the same. */
const nextInputs = new Map<TerminalId, number>();

/** Credit that is smaller than a step waits this long for more. */
const quietMs = 100;

export const createTerminalLink = (deps: TerminalLinkDeps): TerminalLink => {
  const { terminalId, send, screen } = deps;
  let state = newAttachment(deps.create === null, nextInputs.get(terminalId) ?? 1);
  let wanted: TerminalSize | null = deps.create;
  let request = '';
  let quiet: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  const ask = (payload: TerminalRequest): string => {
    const id = newUuid();
    send({ id, type: 'terminal', payload });
    return id;
  };
  const attach = (after: number | null): void => {
    request = ask({ action: 'attach', terminalId, ...(after === null ? {} : { after }) });
  };
  const requestSize = (size: TerminalSize): void => {
    wanted = size;
    if (state.phase === 'live' && !state.ended) ask({ action: 'resize', terminalId, ...size });
  };

  const perform = (action: AttachmentAction): void => {
    switch (action.type) {
      case 'create':
        request = ask({ action: 'create', terminalId, ...(deps.create ?? { cols: 80, rows: 24 }), ...wanted });
        return;
      case 'attach':
        return attach(action.after);
      case 'restore': {
        const { offset, skipped } = action.screen;
        screen.restore(action.screen, () => handle({ type: 'drawn', offset }));
        if (skipped > 0) deps.onSkipped(skipped);
        return;
      }
      case 'write':
        return screen.write(action.bytes, () => handle({ type: 'drawn', offset: action.offset }));
      case 'credit':
        return void ask({ action: 'ack', terminalId, offset: action.offset });
      case 'send':
        return void send(
          encodeTerminalFrame({ kind: frameKind.input, terminalId, position: action.number, bytes: action.bytes }),
        );
      case 'input-lost':
        return deps.onInputLost();
      case 'input-refused':
        return deps.onInputRefused();
    }
  };

  const handle = (event: AttachmentEvent): void => {
    if (closed) return;
    const before = state;
    const { state: next, actions } = stepAttachment(state, event);
    state = next;
    nextInputs.set(terminalId, next.nextInput);
    for (const action of actions) perform(action);
    if (
      next.phase !== before.phase ||
      next.ended !== before.ended ||
      next.refusal !== before.refusal ||
      next.heldBytes !== before.heldBytes
    )
      deps.onChange(next);
    if (next.phase === 'live' && before.phase !== 'live' && wanted !== null) requestSize(wanted);
    if (event.type === 'drawn' && next.drawn > next.credited) {
      clearTimeout(quiet);
      quiet = setTimeout(() => handle({ type: 'quiet' }), quietMs);
    }
  };

  const receive = (message: Incoming): void => {
    if (message instanceof Uint8Array) {
      const frame = decodeTerminalFrame(message);
      if (frame?.kind === frameKind.output && frame.terminalId === terminalId) {
        handle({ type: 'output', position: frame.position, bytes: frame.bytes });
      }
      return;
    }
    if (message.type === 'error' && message.id === request) {
      handle({ type: 'result', error: message.payload.message });
      return;
    }
    // Frames of input bear no id.
    if (
      message.type === 'error' &&
      message.id === '' &&
      (message.payload.code === 'conflict' || message.payload.code === 'rate_limited') &&
      state.inFlight.length > 0
    ) {
      handle({ type: 'input-rejected' });
      deps.onRefused(message.payload.message);
    }
    if (message.type === 'place') handle(message.payload.reachable ? { type: 'connected' } : { type: 'disconnected' });
    if (!('payload' in message) || !('terminalId' in message.payload) || message.payload.terminalId !== terminalId)
      return;
    switch (message.type) {
      case 'terminal-screen':
        return handle({ type: 'screen', screen: message.payload });
      case 'terminal-resized':
        return screen.resize(message.payload);
      case 'terminal-writer':
        return deps.onWriter(message.payload.writer);
      case 'terminal-ack':
        return handle({ type: 'input-acknowledged', input: message.payload.input });
      case 'terminal-result':
        if (message.id === request) handle({ type: 'result', error: message.payload.error?.message ?? null });
        return;
      default:
    }
  };
  const stop = deps.subscribe(receive);

  return {
    connected: () => handle({ type: 'connected' }),
    disconnected: () => handle({ type: 'disconnected' }),
    input: (bytes) => handle({ type: 'input', bytes }),
    discard: () => handle({ type: 'discard' }),
    requestSize,
    take: () => void ask({ action: 'take', terminalId }),
    ended: () => handle({ type: 'ended' }),
    close() {
      if (state.phase === 'live' || state.phase === 'waiting') ask({ action: 'detach', terminalId });
      closed = true;
      clearTimeout(quiet);
      stop();
    },
  };
};
