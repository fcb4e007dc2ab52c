import { describe, expect, it } from 'vitest';

import {
  creditEveryBytes,
  maxHeldBytes,
  maxInFlightBytes,
  maxInputBytes,
  maxWaitingBytes,
  newAttachment,
  stepAttachment,
  type Attachment,
  type AttachmentAction,
  type AttachmentEvent,
  type Screen,
} from './attachment';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: Uint8Array): string => new TextDecoder().decode(value);
const screen = (offset: number, patch: Partial<Screen> = {}): Screen => ({
  offset,
  cols: 80,
  rows: 24,
  screen: 'x',
  skipped: 0,
  ended: false,
  ...patch,
});

const run = (state: Attachment, ...events: AttachmentEvent[]): { state: Attachment; actions: AttachmentAction[] } => {
  const actions: AttachmentAction[] = [];
  let now = state;
  for (const event of events) {
    const step = stepAttachment(now, event);
    now = step.state;
    actions.push(...step.actions);
  }
  return { state: now, actions };
};
const written = (actions: readonly AttachmentAction[]): string =>
  actions.map((action) => (action.type === 'write' ? textOf(action.bytes) : '')).join('');
const sent = (actions: readonly AttachmentAction[]) =>
  actions.flatMap((action) => (action.type === 'send' ? [[action.number, textOf(action.bytes)] as const] : []));

const output = (position: number, text: string): AttachmentEvent => ({ type: 'output', position, bytes: bytes(text) });
const typed = (text: string): AttachmentEvent => ({ type: 'input', bytes: bytes(text) });
const live = run(
  newAttachment(true, 1),
  { type: 'connected' },
  { type: 'screen', screen: screen(100) },
  { type: 'result', error: null },
).state;

describe('output of a terminal', () => {
  it('asks for a screen first, restores it, and goes on from its offset', () => {
    const { state, actions } = run(
      newAttachment(true, 1),
      { type: 'connected' },
      { type: 'screen', screen: screen(7) },
      output(7, 'abc'),
    );
    expect(actions[0]).toEqual({ type: 'attach', after: null });
    expect(actions.map(({ type }) => type)).toEqual(['attach', 'restore', 'credit', 'write']);
    expect(state).toMatchObject({ phase: 'live', received: 10 });
  });

  it('draws nothing before a screen is there, and nothing from before a connection', () => {
    expect(run(newAttachment(true, 1), { type: 'connected' }, output(0, 'abc')).actions).toHaveLength(1);
    expect(run(newAttachment(true, 1), output(0, 'abc')).actions).toEqual([]);
  });

  it('draws each byte once where frames overlap or repeat', () => {
    const { actions, state } = run(live, output(100, 'abcd'), output(100, 'ab'), output(102, 'cdef'), output(106, 'g'));
    expect(written(actions)).toBe('abcdefg');
    expect(state.received).toBe(107);
  });

  it('asks for what is missing after a gap, once, and takes up what comes', () => {
    const { actions, state } = run(
      live,
      output(100, 'ab'),
      output(105, 'later'),
      output(110, 'more'),
      output(102, 'cdelatermore'),
      output(114, '!'),
    );
    expect(actions.filter(({ type }) => type === 'attach')).toEqual([{ type: 'attach', after: 102 }]);
    expect(written(actions)).toBe('abcdelatermore!');
    expect(state.phase).toBe('live');
  });

  it('continues after a lost connection from what it has', () => {
    const { actions } = run(
      live,
      output(100, 'ab'),
      { type: 'disconnected' },
      { type: 'connected' },
      { type: 'result', error: null },
      output(102, 'c'),
    );
    expect(actions).toContainEqual({ type: 'attach', after: 102 });
    expect(written(actions)).toBe('abc');
  });

  it('takes a snapshot in place of what it has, in the middle too', () => {
    const { state, actions } = run(
      live,
      output(100, 'ab'),
      { type: 'screen', screen: screen(9_000, { skipped: 8_898 }) },
      output(9_000, 'z'),
    );
    expect(actions.map(({ type }) => type)).toEqual(['write', 'restore', 'credit', 'write']);
    expect(state).toMatchObject({ received: 9_001, drawn: 9_000 });
  });

  it('begins a terminal that it made at the first byte, and makes it again only until it is there', () => {
    const first = run(newAttachment(false, 1), { type: 'connected' });
    expect(first.actions).toEqual([{ type: 'create' }]);
    expect(run(first.state, { type: 'disconnected' }, { type: 'connected' }).actions).toEqual([{ type: 'create' }]);
    const made = run(first.state, output(0, '$ '), { type: 'result', error: null });
    expect(written(made.actions)).toBe('$ ');
    expect(run(made.state, { type: 'disconnected' }, { type: 'connected' }).actions).toEqual([
      { type: 'attach', after: 2 },
    ]);
  });

  it('says why it is refused, and tries again with the next connection', () => {
    const refused = run(
      newAttachment(true, 1),
      { type: 'connected' },
      { type: 'result', error: 'There is nothing here.' },
    );
    expect(refused.state).toMatchObject({ phase: 'refused', refusal: 'There is nothing here.' });
    expect(run(refused.state, { type: 'connected' }).state).toMatchObject({ phase: 'waiting', refusal: null });
  });
});

describe('credit', () => {
  it('is given in steps, and for the rest when it is quiet', () => {
    const text = 'x'.repeat(creditEveryBytes);
    const { state, actions } = run(
      live,
      output(100, text),
      { type: 'drawn', offset: 200 },
      { type: 'drawn', offset: 100 + creditEveryBytes },
      output(100 + creditEveryBytes, 'tail'),
    );
    expect(actions.filter(({ type }) => type === 'credit')).toEqual([
      { type: 'credit', offset: 100 + creditEveryBytes },
    ]);
    const rest = run(state, { type: 'drawn', offset: 104 + creditEveryBytes }, { type: 'quiet' }, { type: 'quiet' });
    expect(rest.actions).toEqual([{ type: 'credit', offset: 104 + creditEveryBytes }]);
  });

  it('is never given for more than was received, nor backwards', () => {
    const { actions, state } = run(
      live,
      { type: 'drawn', offset: 5_000_000 },
      { type: 'drawn', offset: 3 },
      { type: 'quiet' },
    );
    expect(actions).toEqual([]);
    expect(state.drawn).toBe(100);
  });
});

describe('input', () => {
  it('is numbered without a gap, in frames of a bounded size', () => {
    const { actions } = run(live, typed('ls\r'), typed('x'.repeat(maxInputBytes + 1)));
    expect(sent(actions).map(([number, text]) => [number, text.length])).toEqual([
      [1, 3],
      [2, maxInputBytes],
      [3, 1],
    ]);
  });

  it('goes on counting over a reconnect and never sends again what was sent', () => {
    const { actions } = run(
      live,
      typed('rm x\r'),
      { type: 'disconnected' },
      { type: 'connected' },
      { type: 'result', error: null },
      typed('y'),
    );
    expect(sent(actions)).toEqual([
      [1, 'rm x\r'],
      [2, 'y'],
    ]);
    expect(actions.filter(({ type }) => type === 'input-lost')).toHaveLength(1);
  });

  it('says nothing of lost keys where all were acknowledged', () => {
    const { actions } = run(
      live,
      typed('ls\r'),
      { type: 'input-acknowledged', input: 1 },
      { type: 'disconnected' },
      { type: 'connected' },
    );
    expect(actions.some(({ type }) => type === 'input-lost')).toBe(false);
  });

  it('holds what is typed while the line is down, and sends it once', () => {
    const { actions } = run(
      live,
      { type: 'disconnected' },
      typed('a'),
      typed('b'),
      { type: 'connected' },
      typed('c'),
      { type: 'result', error: null },
      typed('d'),
    );
    expect(
      sent(actions)
        .map(([, text]) => text)
        .join(''),
    ).toBe('abcd');
  });

  it('does not hold a paste, and says so', () => {
    const { actions, state } = run(live, { type: 'disconnected' }, typed('x'.repeat(maxHeldBytes + 1)));
    expect(actions.map(({ type }) => type)).toContain('input-lost');
    expect(state.heldBytes).toBe(0);
  });

  it('keeps no more in flight than a bound, and sends all of a large paste in order as it is taken', () => {
    const paste = Array.from({ length: 500_000 }, (_, index) => index % 251);
    let { state, actions } = run(live, { type: 'input', bytes: Uint8Array.from(paste) }, typed('after'));
    const all: number[] = [];
    let last = 0;
    for (;;) {
      const frames = actions.filter((action) => action.type === 'send');
      for (const frame of frames) {
        expect(frame.number).toBe((last += 1));
        all.push(...frame.bytes);
      }
      expect(state.inFlight.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(maxInFlightBytes);
      if (state.inFlight.length === 0) break;
      // Some of it is acknowledged, then all.
      ({ state, actions } = run(state, { type: 'input-acknowledged', input: last - (last % 3) }));
      if (actions.length === 0) ({ state, actions } = run(state, { type: 'input-acknowledged', input: last }));
    }
    expect(all).toEqual([...paste, ...bytes('after')]);
    expect(state.heldBytes).toBe(0);
  });

  it('refuses whole what is more than may wait', () => {
    const much = new Uint8Array(maxWaitingBytes);
    const { state } = run(live, { type: 'input', bytes: much });
    const { state: after, actions } = run(state, { type: 'input', bytes: much });
    expect(actions).toEqual([{ type: 'input-refused' }]);
    expect(after.heldBytes).toBe(state.heldBytes);
  });

  it('ends where the line broke: what waited behind it is not typed after a hole', () => {
    const { state } = run(live, { type: 'input', bytes: new Uint8Array(2 * maxInFlightBytes) });
    const { actions } = run(
      state,
      { type: 'disconnected' },
      typed('a'),
      { type: 'connected' },
      {
        type: 'result',
        error: null,
      },
    );
    expect(actions.filter(({ type }) => type === 'input-lost')).toHaveLength(1);
    expect(sent(actions).map(([, text]) => text)).toEqual(['a']);
  });

  it('types nothing that waited behind what the agent refused', () => {
    const { state } = run(live, { type: 'input', bytes: new Uint8Array(2 * maxInFlightBytes) });
    const { state: after, actions } = run(state, { type: 'input-rejected' }, typed('a'));
    expect(sent(actions)).toEqual([[state.nextInput, 'a']]);
    expect(after.heldBytes).toBe(0);
  });

  it('lets go of what waits, but for the end of a bracketed paste', () => {
    const paste = `\u001b[200~${'x'.repeat(2 * maxInFlightBytes)}\u001b[201~`;
    const { state } = run(live, typed(paste));
    const { state: after } = run(state, { type: 'discard' });
    const { actions } = run(after, { type: 'input-acknowledged', input: after.nextInput - 1 });
    expect(sent(actions).map(([, text]) => text)).toEqual(['\u001b[201~']);
    expect(run(run(live, typed('y'.repeat(maxInFlightBytes * 2))).state, { type: 'discard' }).state.heldBytes).toBe(0);
  });

  it('sends nothing to a terminal that has ended, held keys neither', () => {
    const { actions } = run(
      live,
      { type: 'disconnected' },
      typed('a'),
      { type: 'connected' },
      { type: 'screen', screen: screen(200, { ended: true }) },
      typed('b'),
    );
    expect(sent(actions)).toEqual([]);
    expect(sent(run(live, { type: 'ended' }, typed('b')).actions)).toEqual([]);
  });
});
