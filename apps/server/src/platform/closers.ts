// What must be closed, in reverse order of opening. One that fails or hangs does not keep the others open.

import type { Log } from './log.js';

export interface Closers {
  /** Returns what was opened, so that opening and its end stand on one line. `name` is for the log. */
  add<T>(name: string, opened: T, close: (opened: T) => unknown): T;
  /** Closes all, newest first, within the time; throws the first error after the last. */
  closeAll(limit: { withinMs: number; log: Pick<Log, 'warn'> | null }): Promise<void>;
}

const hung = Symbol('hung');

export const createClosers = (): Closers => {
  const closers: { name: string; close: () => unknown }[] = [];
  return {
    add(name, opened, close) {
      closers.push({ name, close: () => close(opened) });
      return opened;
    },
    async closeAll({ withinMs, log }) {
      const errors: unknown[] = [];
      const endsAtMs = performance.now() + withinMs;
      for (const { name, close } of closers.splice(0).reverse()) {
        // Half of what is left: however many hang, those after them get some.
        const leftMs = Math.max(1, (endsAtMs - performance.now()) / 2);
        try {
          if ((await inTime(close, leftMs)) === hung)
            log?.warn(
              { part: name, waitedMs: Math.round(leftMs) },
              'a part did not close in time and is left as it is',
            );
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw errors[0];
    },
  };
};

/** What it resolves to, or `hung`. What comes of it after that is nobody's concern any more. */
const inTime = async (close: () => unknown, withinMs: number): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof hung>((resolve) => {
    timer = setTimeout(() => resolve(hung), withinMs);
  });
  try {
    return await Promise.race([(async () => close())(), late]);
  } finally {
    clearTimeout(timer);
  }
};
