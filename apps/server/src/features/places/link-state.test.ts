import { describe, expect, test } from 'vitest';

import { linkRetryMs, nextLinkState, type LinkInput, type LinkState } from './link-state.js';

const states: LinkState[] = ['idle', 'dialing', 'greeting', 'up', 'waiting', 'closed'];
const inputs: LinkInput[] = ['dial', 'opened', 'hello', 'lost', 'close'];

describe('the states of a link', () => {
  test('closed is for ever, and every state can be closed', () => {
    for (const input of inputs) expect(nextLinkState('closed', input)).toBe('closed');
    for (const state of states) expect(nextLinkState(state, 'close')).toBe('closed');
  });

  test('only a greeting after an opening makes it up', () => {
    const into = states.flatMap((state) =>
      inputs.flatMap((input) => (state !== 'up' && nextLinkState(state, input) === 'up' ? [[state, input]] : [])),
    );
    expect(into).toEqual([['greeting', 'hello']]);
  });

  test('whatever was under way, a loss leads to another try', () => {
    for (const state of ['dialing', 'greeting', 'up'] as const) {
      expect(nextLinkState(nextLinkState(state, 'lost'), 'dial')).toBe('dialing');
    }
  });
});

test('the pause between tries doubles up to its ceiling, with jitter', () => {
  const limits = { minRetryMs: 100, maxRetryMs: 1_000 };
  expect([0, 1, 2, 3, 4, 400].map((failures) => linkRetryMs(failures, limits, 1))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(linkRetryMs(1, limits, 0)).toBe(100);
});
