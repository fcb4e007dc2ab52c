import { randomUUID } from 'node:crypto';

import type { Checkpoint, TurnId } from '@remote-claude/contract';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import type { CheckpointFor } from '../snapshots/snapshots.js';
import { createTurnCheckpoints, type TurnCheckpoints } from './turn-checkpoints.js';

const turnId = randomUUID() as TurnId;
const longMs = 10_000;

let taken: string[];
let finish: () => void;
let checkpoints: TurnCheckpoints;

beforeEach(() => {
  vi.useFakeTimers();
  taken = [];
  const finished: (() => void)[] = [];
  finish = () => finished.shift()?.();
  checkpoints = createTurnCheckpoints({
    snapshots: {
      take: async ({ reason }: CheckpointFor) => {
        taken.push(reason);
        await new Promise<void>((resolve) => finished.push(resolve));
        return {} as Checkpoint;
      },
    },
    tell: () => undefined,
    log: () => undefined,
  });
});
afterEach(() => {
  checkpoints.close();
  vi.useRealTimers();
});

it('begins when the model has been asked, and once', () => {
  checkpoints.before({ turnId, messageIds: [] });
  vi.advanceTimersByTime(100);
  expect(taken).toEqual([]);
  checkpoints.asked();
  vi.advanceTimersByTime(20);
  checkpoints.asked();
  vi.advanceTimersByTime(20);
  expect(taken).toEqual(['before-turn']);
  vi.advanceTimersByTime(longMs);
  expect(taken).toEqual(['before-turn']);
});

it('begins by itself where nothing asks the model', () => {
  checkpoints.before({ turnId, messageIds: [] });
  vi.advanceTimersByTime(longMs);
  expect(taken).toEqual(['before-turn']);
});

it('begins for a tool at once, and the tool waits for it', async () => {
  checkpoints.before({ turnId, messageIds: [] });
  let isReady = false;
  const ready = checkpoints.ready().then(() => (isReady = true));
  await vi.advanceTimersByTimeAsync(1_000);
  expect({ taken, isReady }).toEqual({ taken: ['before-turn'], isReady: false });
  finish();
  await ready;
  expect(taken).toEqual(['before-turn']);
});

it('comes before the one after the turn, however short the turn was', () => {
  checkpoints.before({ turnId, messageIds: [] });
  checkpoints.after({ turnId });
  expect(taken).toEqual(['before-turn', 'after-turn']);
  vi.advanceTimersByTime(longMs);
  expect(taken).toHaveLength(2);
});

it('is not left out where the next turn begins before it', () => {
  checkpoints.before({ turnId, messageIds: [] });
  checkpoints.before({ turnId: randomUUID() as TurnId, messageIds: [] });
  expect(taken).toEqual(['before-turn']);
  checkpoints.asked();
  vi.advanceTimersByTime(longMs);
  expect(taken).toEqual(['before-turn', 'before-turn']);
});

it('begins none after its end', () => {
  checkpoints.before({ turnId, messageIds: [] });
  checkpoints.close();
  vi.advanceTimersByTime(longMs);
  expect(taken).toEqual([]);
});
