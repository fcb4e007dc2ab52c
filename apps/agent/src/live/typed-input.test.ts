import { frameKind, type TerminalFrame, type TerminalId } from '@remote-claude/contract';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { createTypedInput } from './typed-input.js';

const terminalId = '0f0e0d0c-0000-4000-8000-000000000001' as TerminalId;
const frame = (position: number, bytes = 10): TerminalFrame => ({
  kind: frameKind.input,
  terminalId,
  position,
  bytes: new Uint8Array(bytes),
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('acknowledges nothing while the program does not take what was typed, and all of it once it does', () => {
  let untaken = 0;
  const [acknowledged, written]: [number[], number[]] = [[], []];
  const typed = createTypedInput({
    write: (_id, bytes) => void written.push(bytes.length),
    acknowledge: (_id, number) => void acknowledged.push(number),
    untakenBytes: () => untaken,
  });
  typed.take(frame(1));
  vi.advanceTimersByTime(100);
  expect(acknowledged).toEqual([1]);

  untaken = 100_000;
  typed.take(frame(2, 50_000));
  typed.take(frame(3, 50_000));
  vi.advanceTimersByTime(60_000);
  expect(acknowledged).toEqual([1]);
  // The same number again is typed once.
  typed.take(frame(3, 50_000));
  expect(written).toEqual([10, 50_000, 50_000]);

  untaken = 1_000;
  vi.advanceTimersByTime(100);
  expect(acknowledged).toEqual([1, 3]);
  expect(vi.getTimerCount()).toBe(0);
  typed.take(frame(4));
  typed.close();
  expect(vi.getTimerCount()).toBe(0);
});
