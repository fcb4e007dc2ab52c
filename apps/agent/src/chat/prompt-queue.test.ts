import type { CommandId } from '@remote-claude/contract';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createPromptQueue, type Prompt } from './prompt-queue.js';

const prompt = (id: string): Prompt => ({ id: id as CommandId, text: `say ${id}` });

const create = () => {
  const started: string[] = [];
  return { started, queue: createPromptQueue({ start: ({ id }) => void started.push(id) }) };
};

describe('the prompt queue', () => {
  it('starts at once when idle and one after the other when not', () => {
    const { started, queue } = create();
    queue.add(prompt('a'));
    queue.add(prompt('b'));
    queue.add(prompt('c'));
    expect(started).toEqual(['a']);
    queue.ended();
    expect(started).toEqual(['a', 'b']);
    queue.ended();
    queue.ended();
    queue.ended();
    expect(started).toEqual(['a', 'b', 'c']);
    expect(queue.isBusy).toBe(false);
  });

  it('withdraws what waits and nothing else', () => {
    const { started, queue } = create();
    queue.add(prompt('a'));
    queue.add(prompt('b'));
    expect(queue.withdraw('a' as CommandId)).toBe(false);
    expect(queue.withdraw('b' as CommandId)).toBe(true);
    expect(queue.withdraw('b' as CommandId)).toBe(false);
    queue.ended();
    expect(started).toEqual(['a']);
  });

  it('starts nothing while anybody holds it, and what runs goes on', () => {
    const { started, queue } = create();
    queue.add(prompt('a'));
    const [one, other] = [queue.hold(), queue.hold()];
    queue.add(prompt('b'));
    queue.add(prompt('c'));
    queue.ended();
    one();
    one();
    expect(started).toEqual(['a']);
    expect(queue.withdraw('b' as CommandId)).toBe(true);
    other();
    expect(started).toEqual(['a', 'c']);
  });

  it('lets Claude work by itself and keeps prompts for afterwards', () => {
    const { started, queue } = create();
    expect(queue.occupy()).toBe(true);
    expect(queue.occupy()).toBe(false);
    queue.add(prompt('a'));
    expect(started).toEqual([]);
    queue.ended();
    expect(started).toEqual(['a']);
    expect(queue.occupy()).toBe(false);
  });

  it('starts nothing after it was closed', () => {
    const { started, queue } = create();
    queue.add(prompt('a'));
    queue.add(prompt('b'));
    queue.close();
    queue.ended();
    expect(started).toEqual(['a']);
  });

  it('holds its invariants under any order of prompts, withdrawals and ends', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), id: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ do: fc.constant('withdraw' as const), id: fc.integer({ min: 0, max: 9 }) }),
      fc.constant({ do: 'ended' as const, id: 0 }),
      fc.constant({ do: 'occupy' as const, id: 0 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let running = 0;
        const order: string[] = [];
        const waiting: string[] = [];
        const queue = createPromptQueue({
          start: ({ id }) => {
            expect(running).toBe(0);
            running += 1;
            expect(id).toBe(waiting.shift());
            order.push(id);
          },
        });
        for (const { do: what, id } of steps) {
          const name = String(id);
          if (what === 'add') {
            const isKnown = waiting.includes(name) || (running === 1 && order.at(-1) === name && !occupied);
            if (!isKnown) waiting.push(name);
            expect(queue.add(prompt(name))).toBe(!isKnown);
          } else if (what === 'withdraw') {
            const index = waiting.indexOf(name);
            if (index !== -1) waiting.splice(index, 1);
            expect(queue.withdraw(name as CommandId)).toBe(index !== -1);
          } else if (what === 'occupy') {
            const could = running === 0;
            expect(queue.occupy()).toBe(could);
            if (could) {
              running = 1;
              occupied = true;
            }
          } else {
            running = 0;
            occupied = false;
            queue.ended();
          }
          expect(queue.waiting).toBe(waiting.length);
          expect(queue.isBusy).toBe(running === 1);
        }
        occupied = false;
      }),
    );
  });
});

let occupied = false;
