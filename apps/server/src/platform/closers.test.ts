import { describe, expect, test } from 'vitest';

import { createClosers } from './closers.js';

const withLog = () => {
  const left: unknown[] = [];
  return { left, log: { warn: (fields: { part: string }) => void left.push(fields.part) } as never };
};

describe('closing', () => {
  test('is in reverse order, one after another', async () => {
    const closers = createClosers();
    const order: string[] = [];
    for (const name of ['first', 'second', 'third'])
      closers.add(name, name, async () => {
        await Promise.resolve();
        order.push(name);
      });
    await closers.closeAll({ withinMs: 10_000, log: null });
    expect(order).toEqual(['third', 'second', 'first']);
    await closers.closeAll({ withinMs: 10_000, log: null });
    expect(order).toHaveLength(3);
  });

  test('goes on past what fails, and fails with the first error', async () => {
    const closers = createClosers();
    let closed = false;
    closers.add('last', null, () => (closed = true));
    closers.add('broken', null, () => {
      throw new Error('second');
    });
    closers.add('worse', null, () => Promise.reject(new Error('first')));
    await expect(closers.closeAll({ withinMs: 10_000, log: null })).rejects.toThrow('first');
    expect(closed).toBe(true);
  });

  test('names what hangs, leaves it, and is over in time', async () => {
    const { left, log } = withLog();
    const closers = createClosers();
    let closed = false;
    closers.add('database', null, () => (closed = true));
    for (const name of ['app', 'hub']) closers.add(name, null, () => new Promise(() => {}));
    const begun = performance.now();
    await closers.closeAll({ withinMs: 400, log });
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(left).toEqual(['hub', 'app']);
    expect(closed).toBe(true);
  });
});
