import { describe, expect, it } from 'vitest';

import {
  idleLink,
  retryDelayMs,
  stepLink,
  timing,
  type LinkAction,
  type LinkEvent,
  type LinkState,
  type Phase,
} from './socket-machine';

const now = 1_000_000;
const states: Record<Phase, LinkState> = {
  idle: idleLink,
  connecting: { ...idleLink, phase: 'connecting', since: now - 1_000, attempts: 1 },
  open: { ...idleLink, phase: 'open', since: now - 60_000, lastHeard: now - 1_000, lastPing: now - 1_000 },
  waiting: { ...idleLink, phase: 'waiting', since: now - 1_000, attempts: 2, retryAt: now + 5_000 },
  refused: { ...idleLink, phase: 'refused', since: now - 1_000, refusal: 4404 },
};
const events: Record<LinkEvent['type'], LinkEvent> = {
  start: { type: 'start' },
  opened: { type: 'opened' },
  heard: { type: 'heard' },
  'going-away': { type: 'going-away', retryAfterMs: 800 },
  closed: { type: 'closed', code: 1006 },
  pulse: { type: 'pulse' },
  wake: { type: 'wake' },
  retry: { type: 'retry' },
  stop: { type: 'stop' },
};

/** What each event does in each phase: the phase after it, and what is done. */
const table: Record<Phase, Record<LinkEvent['type'], readonly [Phase, ...LinkAction[]]>> = {
  idle: {
    start: ['connecting', 'open'],
    opened: ['idle', 'close'],
    heard: ['idle'],
    'going-away': ['idle'],
    closed: ['idle'],
    pulse: ['idle'],
    wake: ['idle'],
    retry: ['idle'],
    stop: ['idle'],
  },
  connecting: {
    start: ['connecting'],
    opened: ['open'],
    heard: ['connecting'],
    'going-away': ['connecting'],
    closed: ['waiting'],
    pulse: ['connecting'],
    wake: ['connecting'],
    retry: ['connecting'],
    stop: ['idle', 'close'],
  },
  open: {
    start: ['open'],
    opened: ['open'],
    heard: ['open'],
    'going-away': ['open'],
    closed: ['waiting'],
    pulse: ['open'],
    wake: ['open', 'ping'],
    retry: ['open'],
    stop: ['idle', 'close'],
  },
  waiting: {
    start: ['waiting'],
    opened: ['waiting', 'close'],
    heard: ['waiting'],
    'going-away': ['waiting'],
    closed: ['waiting'],
    pulse: ['waiting'],
    wake: ['connecting', 'open'],
    retry: ['connecting', 'open'],
    stop: ['idle'],
  },
  refused: {
    start: ['connecting', 'open'],
    opened: ['refused', 'close'],
    heard: ['refused'],
    'going-away': ['refused'],
    closed: ['refused'],
    pulse: ['refused'],
    wake: ['refused'],
    retry: ['connecting', 'open'],
    stop: ['idle'],
  },
};

const step = (state: LinkState, event: LinkEvent, at = now, random = 0.5) =>
  stepLink({ state, now: at, random }, event);

describe('every event in every phase', () => {
  const cells = (Object.keys(table) as Phase[]).flatMap((phase) =>
    (Object.keys(events) as LinkEvent['type'][]).map((type) => ({ phase, type, expected: table[phase][type] })),
  );
  it.each(cells)('$phase × $type', ({ phase, type, expected }) => {
    const { state, actions } = step(states[phase], events[type]);
    expect([state.phase, ...actions]).toEqual(expected);
  });
});

describe('time', () => {
  it('gives up a connection that does not open', () => {
    const { state, actions } = step(states.connecting, events.pulse, states.connecting.since + timing.connectWithinMs);
    expect([state.phase, ...actions]).toEqual(['waiting', 'close']);
  });
  it('pings a quiet connection every ten seconds and no more often', () => {
    const quiet = { ...states.open, lastPing: now - timing.pingEveryMs };
    const first = step(quiet, events.pulse);
    expect(first.actions).toEqual(['ping']);
    expect(step(first.state, events.pulse, now + 1).actions).toEqual([]);
  });
  it('takes a connection for dead after 25 s without a word', () => {
    const at = states.open.lastHeard + timing.deadAfterMs;
    expect([
      step(states.open, events.pulse, at - 1).state.phase,
      step(states.open, events.pulse, at).state.phase,
    ]).toEqual(['open', 'waiting']);
    expect(step(states.open, events.pulse, at).actions).toEqual(['close']);
  });
  it('connects anew at once when a machine wakes after a sleep', () => {
    const { state, actions } = step(states.open, events.wake, now + 3_600_000);
    expect([state.phase, ...actions]).toEqual(['connecting', 'close', 'open']);
  });
  it('tries again when it is due', () => {
    expect(step(states.waiting, events.pulse, now + 4_999).state.phase).toBe('waiting');
    expect(step(states.waiting, events.pulse, now + 5_000).actions).toEqual(['open']);
  });
});

describe('coming back', () => {
  it.each([4401, 4403, 4404])('does not after a close with %i', (code) => {
    expect(step(states.open, { type: 'closed', code }).state).toMatchObject({ phase: 'refused', refusal: code });
  });
  it.each([1000, 1006, 1012, 4429, 4503])('does after a close with %i', (code) => {
    expect(step(states.open, { type: 'closed', code }).state.phase).toBe('waiting');
  });
  it('waits twice as long each time up to a ceiling, half of it by chance', () => {
    expect([0, 1, 2, 3].map((attempts) => retryDelayMs(attempts, 1))).toEqual([500, 1_000, 2_000, 4_000]);
    expect(retryDelayMs(0, 0)).toBe(250);
    expect(retryDelayMs(99, 1)).toBe(timing.lastRetryMs);
  });
  it('counts from the beginning after a connection that opened', () => {
    let { state } = step({ ...states.connecting, attempts: 7 }, events.opened);
    ({ state } = step(state, events.closed));
    expect(state.retryAt).toBe(now + 375);
  });
  it('takes the time that the server asked for', () => {
    let { state } = step(states.open, events['going-away']);
    ({ state } = step(state, { type: 'closed', code: 1012 }, now, 0));
    expect(state).toMatchObject({ phase: 'waiting', retryAt: now + 800, comeBackInMs: null });
  });
});
