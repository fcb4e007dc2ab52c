/**
 * One viewer's attachment to one terminal. Pure: it knows no socket, no emulator and no timer; what is to be done goes out as actions.
 * Invariants: bytes go to the emulator in order, each once; a gap asks for what is missing; `drawn` ≤ `received`;
 * input that was sent over a connection that broke is never sent again, because nobody knows whether it was typed.
 */

export interface Attachment {
  /** `waiting`: asked for the screen, no answer yet. */
  phase: 'away' | 'waiting' | 'live' | 'refused';
  /** It is there at the agent; until then it is asked to be made. */
  made: boolean;
  /** Count of output bytes handed to the emulator; null before the first screen. */
  received: number | null;
  /** Count of output bytes that the emulator has drawn. */
  drawn: number;
  /** Count of output bytes for which credit was given. */
  credited: number;
  /** Number of the next input frame. It only grows: the agent takes each number of a connection once. */
  nextInput: number;
  /** Numbers of input frames that were sent and not yet acknowledged. */
  unacknowledged: number;
  /** Typed while nobody could take it. */
  held: readonly Uint8Array[];
  heldBytes: number;
  ended: boolean;
  /** Why it is refused: a sentence. */
  refusal: string | null;
}

export interface Screen {
  offset: number;
  cols: number;
  rows: number;
  screen: string;
  skipped: number;
  ended: boolean;
}

export type AttachmentEvent =
  /** The agent can be reached over a new connection, or is another one. */
  | { type: 'connected' }
  | { type: 'disconnected' }
  | { type: 'screen'; screen: Screen }
  | { type: 'output'; position: number; bytes: Uint8Array }
  /** The answer to `create` or `attach`. */
  | { type: 'result'; error: string | null }
  /** The emulator has drawn up to this count of bytes. */
  | { type: 'drawn'; offset: number }
  /** Nothing came for a moment. */
  | { type: 'quiet' }
  | { type: 'input'; bytes: Uint8Array }
  | { type: 'input-acknowledged'; input: number }
  | { type: 'ended' };

export type AttachmentAction =
  | { type: 'create' }
  | { type: 'attach'; after: number | null }
  | { type: 'restore'; screen: Screen }
  | { type: 'write'; bytes: Uint8Array; offset: number }
  | { type: 'credit'; offset: number }
  | { type: 'send'; number: number; bytes: Uint8Array }
  /** It may not have been typed: some frames on a broken connection, or more than is held. */
  | { type: 'input-lost' };

export interface AttachmentStep {
  state: Attachment;
  actions: AttachmentAction[];
}

export const creditEveryBytes = 32 * 1024;
/** What a person types while a line is down; more is a paste that should be done again. */
export const maxHeldBytes = 4 * 1024;
/** A socket frame may be larger; small ones keep an interrupt from waiting behind a paste. */
export const maxInputBytes = 16 * 1024;

/** `nextInput` is above every number that this page has used for the terminal. */
export const newAttachment = (made: boolean, nextInput: number): Attachment => ({
  phase: 'away',
  made,
  received: null,
  drawn: 0,
  credited: 0,
  nextInput,
  unacknowledged: 0,
  held: [],
  heldBytes: 0,
  ended: false,
  refusal: null,
});

const stay = (state: Attachment): AttachmentStep => ({ state, actions: [] });

const attach = (state: Attachment): AttachmentStep => ({
  state: { ...state, phase: 'waiting', refusal: null },
  actions: [state.made ? { type: 'attach', after: state.received } : { type: 'create' }],
});

const inputLost = (state: Attachment): AttachmentAction[] => (state.unacknowledged > 0 ? [{ type: 'input-lost' }] : []);

const sendInput = (state: Attachment, chunks: readonly Uint8Array[]): AttachmentStep => {
  const actions: AttachmentAction[] = [];
  let { nextInput } = state;
  for (const bytes of chunks) {
    for (let at = 0; at < bytes.length; at += maxInputBytes) {
      actions.push({ type: 'send', number: nextInput++, bytes: bytes.subarray(at, at + maxInputBytes) });
    }
  }
  const unacknowledged = state.unacknowledged + actions.length;
  return { state: { ...state, nextInput, unacknowledged }, actions };
};

/** From the first answer on: what was typed meanwhile goes out. */
const live = (state: Attachment): AttachmentStep => {
  if (state.phase === 'live') return stay(state);
  const idle: Attachment = { ...state, phase: 'live', made: true, held: [], heldBytes: 0 };
  return state.ended ? stay(idle) : sendInput(idle, state.held);
};

const restore = (state: Attachment, screen: Screen): AttachmentStep => {
  const { offset, ended } = screen;
  const next = live({ ...state, received: offset, drawn: offset, credited: offset, ended: state.ended || ended });
  return { state: next.state, actions: [{ type: 'restore', screen }, { type: 'credit', offset }, ...next.actions] };
};

const output = (before: Attachment, position: number, bytes: Uint8Array): AttachmentStep => {
  if (before.phase !== 'waiting' && before.phase !== 'live') return stay(before);
  // One that was just made begins at its first byte and has no screen to restore.
  const received = before.received ?? (before.made ? null : 0);
  if (received === null) return stay(before);
  const fresh = bytes.subarray(Math.max(0, received - position));
  if (position > received) return before.phase === 'live' ? attach(before) : stay(before);
  if (fresh.length === 0) return stay(before);
  const offset = received + fresh.length;
  const { state, actions } = live({ ...before, received: offset });
  return { state, actions: [{ type: 'write', bytes: fresh, offset }, ...actions] };
};

const credit = (state: Attachment): AttachmentStep =>
  state.phase === 'live' && state.drawn > state.credited
    ? { state: { ...state, credited: state.drawn }, actions: [{ type: 'credit', offset: state.drawn }] }
    : stay(state);

const input = (state: Attachment, bytes: Uint8Array): AttachmentStep => {
  if (state.ended || state.phase === 'refused' || bytes.length === 0) return stay(state);
  if (state.phase === 'live') return sendInput(state, [bytes]);
  if (state.heldBytes + bytes.length > maxHeldBytes) return { state, actions: [{ type: 'input-lost' }] };
  return stay({ ...state, held: [...state.held, bytes], heldBytes: state.heldBytes + bytes.length });
};

const result = (state: Attachment, error: string | null): AttachmentStep => {
  if (error !== null)
    return state.phase === 'waiting' ? stay({ ...state, phase: 'refused', refusal: error }) : stay(state);
  if (state.phase !== 'waiting') return stay(state);
  // An attachment that continues may have nothing to bring; a first one waits for its screen.
  const received = state.received ?? (state.made ? null : 0);
  return received === null ? stay(state) : live({ ...state, received });
};

const ended = (state: Attachment): AttachmentStep => ({
  state: { ...state, ended: true, held: [], heldBytes: 0, unacknowledged: 0 },
  actions: [],
});

export const stepAttachment = (state: Attachment, event: AttachmentEvent): AttachmentStep => {
  switch (event.type) {
    case 'connected': {
      const next = attach({ ...state, unacknowledged: 0 });
      return { state: next.state, actions: [...inputLost(state), ...next.actions] };
    }
    case 'disconnected':
      return { state: { ...state, phase: 'away', unacknowledged: 0 }, actions: inputLost(state) };
    case 'screen':
      return state.phase === 'away' ? stay(state) : restore(state, event.screen);
    case 'output':
      return output(state, event.position, event.bytes);
    case 'result':
      return result(state, event.error);
    case 'drawn': {
      // What a restored screen left behind in the emulator's queue is not ahead of it.
      const drawn = Math.max(state.drawn, Math.min(event.offset, state.received ?? 0));
      const next = { ...state, drawn };
      return drawn - next.credited >= creditEveryBytes ? credit(next) : stay(next);
    }
    case 'quiet':
      return credit(state);
    case 'input':
      return input(state, event.bytes);
    case 'input-acknowledged':
      return stay({
        ...state,
        unacknowledged: Math.max(0, Math.min(state.unacknowledged, state.nextInput - 1 - event.input)),
      });
    case 'ended':
      return ended(state);
  }
};
