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

  it('opens again after work that failed', async () => {
    const gate = createGate();
    const fail = (): Promise<never> => Promise.reject(new Error('no'));
    const failed = [gate.shared(fail), gate.alone(fail)].map((one) => expect(one).rejects.toThrow('no'));
    expect(await gate.shared(async () => 'on')).toBe('on');
    await Promise.all(failed);
  });
});
