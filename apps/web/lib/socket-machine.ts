/**
 * The life of one connection as a table without a missing cell. Pure: it knows no socket, no timer and no clock;
 * time and chance come with each event, and what is to be done goes out as actions.
 */

/** `refused`: the server said that trying again is of no use (signed out, not permitted, not there). */
export type Phase = 'idle' | 'connecting' | 'open' | 'waiting' | 'refused';

export interface LinkState {
  phase: Phase;
  /** When this phase began. */
  since: number;
  lastHeard: number;
  lastPing: number;
  /** Attempts since the last connection that opened. */
  attempts: number;
  /** When the next attempt is due, while waiting. */
  retryAt: number | null;
  /** What the server asked for before it went away, in milliseconds. */
  comeBackInMs: number | null;
  /** The close code that ended it, while refused. */
  refusal: number | null;
}

export type LinkEvent =
  | { type: 'start' }
  | { type: 'opened' }
  | { type: 'heard' }
  | { type: 'going-away'; retryAfterMs: number }
  | { type: 'closed'; code: number }
  /** Time has passed; comes about once a second. */
  | { type: 'pulse' }
  /** The page is looked at again, or the network is back. */
  | { type: 'wake' }
  /** A person asks for an attempt now. */
  | { type: 'retry' }
  | { type: 'stop' };

export type LinkAction = 'open' | 'close' | 'ping';
export interface Step {
  state: LinkState;
  actions: LinkAction[];
}

export const timing = {
  pingEveryMs: 10_000,
  deadAfterMs: 25_000,
  connectWithinMs: 15_000,
  firstRetryMs: 500,
  lastRetryMs: 15_000,
} as const;

/** 4000 + HTTP status. */
const hopeless = new Set([4401, 4403, 4404]);

export const idleLink: LinkState = {
  phase: 'idle',
  since: 0,
  lastHeard: 0,
  lastPing: 0,
  attempts: 0,
  retryAt: null,
  comeBackInMs: null,
  refusal: null,
};

/** Half of the doubled time is chance, so that many pages do not come back at once. */
export const retryDelayMs = (attempts: number, random: number): number => {
  const ceiling = Math.min(timing.lastRetryMs, timing.firstRetryMs * 2 ** Math.min(attempts, 10));
  return Math.round(ceiling * (0.5 + random / 2));
};

interface Given {
  state: LinkState;
  now: number;
  random: number;
}
type Cell<T extends LinkEvent['type']> = (given: Given, event: Extract<LinkEvent, { type: T }>) => Step;
type Row = { [T in LinkEvent['type']]: Cell<T> };

const stay = ({ state }: Given): Step => ({ state, actions: [] });
const connect = ({ state, now }: Given): Step => ({
  state: { ...state, phase: 'connecting', since: now, retryAt: null, comeBackInMs: null, refusal: null },
  actions: ['open'],
});
const restart = (given: Given): Step => connect({ ...given, state: { ...given.state, attempts: 0 } });
const wait = ({ state, now, random }: Given, actions: LinkAction[]): Step => {
  const delayMs =
    state.comeBackInMs === null
      ? retryDelayMs(state.attempts, random)
      : Math.round(state.comeBackInMs * (1 + random / 2));
  return {
    state: {
      ...state,
      phase: 'waiting',
      since: now,
      attempts: state.attempts + 1,
      retryAt: now + delayMs,
      comeBackInMs: null,
    },
    actions,
  };
};
const ended: Cell<'closed'> = (given, { code }) =>
  hopeless.has(code)
    ? { state: { ...given.state, phase: 'refused', since: given.now, retryAt: null, refusal: code }, actions: [] }
    : wait(given, []);
const rest = (actions: LinkAction[]): Step => ({ state: idleLink, actions });
const heard = ({ state, now }: Given): Step => ({ state: { ...state, lastHeard: now }, actions: [] });

const beat = (given: Given): Step => {
  const { state, now } = given;
  if (now - state.lastHeard >= timing.deadAfterMs) return wait(given, ['close']);
  if (now - state.lastPing < timing.pingEveryMs) return stay(given);
  return { state: { ...state, lastPing: now }, actions: ['ping'] };
};

const table: { [P in Phase]: Row } = {
  idle: {
    start: restart,
    opened: () => rest(['close']),
    heard: stay,
    'going-away': stay,
    closed: stay,
    pulse: stay,
    wake: stay,
    retry: stay,
    stop: stay,
  },
  connecting: {
    start: stay,
    opened: ({ state, now }) => ({
      state: { ...state, phase: 'open', since: now, lastHeard: now, lastPing: now, attempts: 0 },
      actions: [],
    }),
    heard: stay,
    'going-away': stay,
    closed: ended,
    pulse: (given) => (given.now - given.state.since >= timing.connectWithinMs ? wait(given, ['close']) : stay(given)),
    wake: stay,
    retry: stay,
    stop: () => rest(['close']),
  },
  open: {
    start: stay,
    opened: stay,
    heard,
    'going-away': ({ state, now }, { retryAfterMs }) => ({
      state: { ...state, lastHeard: now, comeBackInMs: retryAfterMs },
      actions: [],
    }),
    closed: ended,
    pulse: beat,
    // After a sleep the last word is old: it is either dead, or answers a ping at once.
    wake: (given) =>
      given.now - given.state.lastHeard >= timing.deadAfterMs
        ? { ...restart(given), actions: ['close', 'open'] }
        : { state: { ...given.state, lastPing: given.now }, actions: ['ping'] },
    retry: stay,
    stop: () => rest(['close']),
  },
  waiting: {
    start: stay,
    opened: ({ state }) => ({ state, actions: ['close'] }),
    heard: stay,
    'going-away': stay,
    closed: stay,
    pulse: (given) => (given.now >= (given.state.retryAt ?? 0) ? connect(given) : stay(given)),
    wake: connect,
    retry: connect,
    stop: () => rest([]),
  },
  refused: {
    start: restart,
    opened: ({ state }) => ({ state, actions: ['close'] }),
    heard: stay,
    'going-away': stay,
    closed: stay,
    pulse: stay,
    wake: stay,
    retry: restart,
    stop: () => rest([]),
  },
};

export const stepLink = (given: Given, event: LinkEvent): Step =>
  (table[given.state.phase][event.type] as (given: Given, event: LinkEvent) => Step)(given, event);
