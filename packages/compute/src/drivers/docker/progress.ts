/** How far something is, as it is told: never less than before, and no more often than it changes. It knows no clock. */
import type { Preparing } from '../../driver.js';

export type TellPreparing = (how: Preparing) => void;

/** Of several for whom the same is done, each hears what the others hear. */
export interface Audience {
  tell: TellPreparing;
  /** It is done: who comes later hears nothing of it. */
  end(): void;
  /** Hears at once what was told last. */
  add(listener: TellPreparing): () => void;
}

export function createAudience(): Audience {
  const listeners = new Set<TellPreparing>();
  let last: Preparing | null = null;
  return {
    tell: (how) => {
      last = how;
      for (const listener of listeners) listener(how);
    },
    end: () => {
      last = null;
    },
    add: (listener) => {
      listeners.add(listener);
      if (last !== null) listener(last);
      return () => void listeners.delete(listener);
    },
  };
}

/** Tells percents of one thing. What is known of its size grows, so a share can fall: that is not told. */
export function createPercents(what: string, tell: TellPreparing): (done: number, total: number) => void {
  let told = -1;
  return (done, total) => {
    // 100 is said by what comes after it.
    const percent = Math.min(99, Math.floor((100 * done) / Math.max(1, total)));
    if (percent <= told) return;
    told = percent;
    tell({ what, percent });
  };
}
