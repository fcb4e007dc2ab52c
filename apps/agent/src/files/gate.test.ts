import { AppError } from '@remote-claude/contract';
import { describe, expect, it } from 'vitest';

import { createGate } from './gate.js';

const createWork = (name: string, done: string[]) => {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return {
    run: async () => {
      done.push(`${name} begins`);
      await ended;
      done.push(`${name} ends`);
      return name;
    },
    end: () => end(),
  };
};
const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the gate', () => {
  it('lets changes run side by side', async () => {
    const gate = createGate();
    const done: string[] = [];
    const [one, two] = [createWork('one', done), createWork('two', done)];
    const both = Promise.all([gate.shared(one.run), gate.shared(two.run)]);
    expect(done).toEqual(['one begins', 'two begins']);
    one.end();
    two.end();
    expect(await both).toEqual(['one', 'two']);
  });

  it('lets a rewind run alone: after the changes before it, before those after it, one after another', async () => {
    const gate = createGate();
    const done: string[] = [];
    const [before, rewind] = [createWork('before', done), createWork('rewind', done)];
    const [again, after] = [createWork('again', done), createWork('after', done)];
    const all = [gate.shared(before.run), gate.alone(rewind.run), gate.alone(again.run), gate.shared(after.run)];
    await settled();
    expect(done).toEqual(['before begins']);
    before.end();
    await settled();
    expect(done.slice(1)).toEqual(['before ends', 'rewind begins']);
    after.end();
    rewind.end();
    await settled();
    expect(done.slice(3)).toEqual(['rewind ends', 'again begins']);
    again.end();
    await Promise.all(all);
    expect(done.slice(5)).toEqual(['again ends', 'after begins', 'after ends']);
  });

  it('keeps no change waiting for long: it is refused in words, and is not done later', async () => {
    const gate = createGate({ patienceMs: 20 });
    const done: string[] = [];
    const [rewind, late] = [createWork('rewind', done), createWork('late', done)];
    const rewound = gate.alone(rewind.run);
    const refused = await gate.shared(late.run).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AppError);
    expect(refused).toMatchObject({ code: 'unavailable', message: expect.stringContaining('being put back') });
    rewind.end();
    await rewound;
    expect(await gate.shared(async () => 'next')).toBe('next');
    await settled();
    expect(done).toEqual(['rewind begins', 'rewind ends']);
  });

  it('counts what a change has waited before it came', async () => {
    const gate = createGate({ patienceMs: 600_000 });
    const rewind = createWork('rewind', []);
    const longAgo = performance.now() - 600_000;
    expect(await gate.shared(async () => 'open', longAgo)).toBe('open');
    const rewound = gate.alone(rewind.run);
    await expect(gate.shared(async () => 'late', longAgo)).rejects.toMatchObject({ code: 'unavailable' });
    rewind.end();
    await rewound;
  });

  it('opens again after work that failed', async () => {
    const gate = createGate();
    const fail = (): Promise<never> => Promise.reject(new Error('no'));
    const failed = [gate.shared(fail), gate.alone(fail)].map((one) => expect(one).rejects.toThrow('no'));
    expect(await gate.shared(async () => 'on')).toBe('on');
    await Promise.all(failed);
  });
});
