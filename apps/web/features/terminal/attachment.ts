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
  /** Bytes of each input frame that was sent and not yet acknowledged, in order. */
  inFlight: readonly number[];
  /** Typed while nobody could take it, or while as much is in flight as may be. */
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
  /** A person no longer wants what waits to be typed. */
  | { type: 'discard' }
  | { type: 'input-acknowledged'; input: number }
  /** The agent did not type what was sent: what waits behind it would come after a hole. */
  | { type: 'input-rejected' }
  | { type: 'ended' };

export type AttachmentAction =
  | { type: 'create' }
  | { type: 'attach'; after: number | null }
  | { type: 'restore'; screen: Screen }
  | { type: 'write'; bytes: Uint8Array; offset: number }
  | { type: 'credit'; offset: number }
  | { type: 'send'; number: number; bytes: Uint8Array }
  /** It may not have been typed: some frames on a broken connection, or more than is held. */
  | { type: 'input-lost' }
  /** It is more than may wait; nothing of it was sent. */
  | { type: 'input-refused' };

export interface AttachmentStep {
  state: Attachment;
  actions: AttachmentAction[];
}

export const creditEveryBytes = 32 * 1024;
/** What a person types while a line is down; more is a paste that should be done again. */
export const maxHeldBytes = 4 * 1024;
/** Sent and not acknowledged: the agent acknowledges what the program has taken, and refuses a multiple of this. */
export const maxInFlightBytes = 128 * 1024;
/** Waits behind that: a paste of any sense. */
export const maxWaitingBytes = 8 * 1024 * 1024;
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
  inFlight: [],
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

const sum = (sizes: readonly number[]): number => sizes.reduce((all, bytes) => all + bytes, 0);

/** What may not have arrived ends there: what waits behind it would be typed after a hole. */
const inputLost = (state: Attachment): AttachmentStep =>
  state.inFlight.length === 0
    ? stay(state)
    : { state: { ...state, inFlight: [], held: [], heldBytes: 0 }, actions: [{ type: 'input-lost' }] };

/** Sends what is held, as far as it may be in flight; the rest waits for what is acknowledged. */
const sendHeld = (state: Attachment): AttachmentStep => {
  const actions: AttachmentAction[] = [];
  const held = [...state.held];
  const inFlight = [...state.inFlight];
  let { nextInput, heldBytes } = state;
  for (let room = maxInFlightBytes - sum(inFlight); room > 0 && held[0] !== undefined;) {
    const bytes = held[0].subarray(0, Math.min(room, maxInputBytes));
    if (bytes.length === held[0].length) held.shift();
    else held[0] = held[0].subarray(bytes.length);
    actions.push({ type: 'send', number: nextInput++, bytes });
    inFlight.push(bytes.length);
    heldBytes -= bytes.length;
    room -= bytes.length;
  }
  return { state: { ...state, nextInput, inFlight, held, heldBytes }, actions };
};

/** From the first answer on: what was typed meanwhile goes out. */
const live = (state: Attachment): AttachmentStep => {
  if (state.phase === 'live') return stay(state);
  const idle: Attachment = { ...state, phase: 'live', made: true };
  return state.ended ? stay({ ...idle, held: [], heldBytes: 0 }) : sendHeld(idle);
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
  const heldBytes = state.heldBytes + bytes.length;
  if (state.phase === 'away' && heldBytes > maxHeldBytes) return { state, actions: [{ type: 'input-lost' }] };
  if (heldBytes > maxWaitingBytes) return { state, actions: [{ type: 'input-refused' }] };
  const next = { ...state, held: [...state.held, bytes], heldBytes };
  return state.phase === 'live' ? sendHeld(next) : stay(next);
};

/** The end of a bracketed paste: without it the program would take all that is typed later as pasted. */
const pasteEnd = new TextEncoder().encode('\u001b[201~');
const endsPaste = ({ held }: Attachment): boolean => {
  const tail = held.at(-1)?.subarray(-pasteEnd.length) ?? new Uint8Array();
  return tail.length === pasteEnd.length && tail.every((byte, index) => byte === pasteEnd[index]);
};

const discard = (state: Attachment): AttachmentStep => {
  const held = endsPaste(state) ? [pasteEnd] : [];
  return stay({ ...state, held, heldBytes: sum(held.map(({ length }) => length)) });
};

const acknowledged = (state: Attachment, input: number): AttachmentStep => {
  const left = Math.max(0, Math.min(state.inFlight.length, state.nextInput - 1 - input));
  const next = { ...state, inFlight: state.inFlight.slice(state.inFlight.length - left) };
  return state.phase === 'live' ? sendHeld(next) : stay(next);
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
  state: { ...state, ended: true, held: [], heldBytes: 0, inFlight: [] },
  actions: [],
});

export const stepAttachment = (state: Attachment, event: AttachmentEvent): AttachmentStep => {
  switch (event.type) {
    case 'connected': {
      const lost = inputLost(state);
      const next = attach(lost.state);
      return { state: next.state, actions: [...lost.actions, ...next.actions] };
    }
    case 'disconnected': {
      const lost = inputLost(state);
      return { ...lost, state: { ...lost.state, phase: 'away' } };
    }
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
    case 'discard':
      return discard(state);
    case 'input-acknowledged':
      return acknowledged(state, event.input);
    case 'input-rejected':
      return stay({ ...state, inFlight: [], held: [], heldBytes: 0 });
    case 'ended':
      return ended(state);
  }
};
