/**
 * Many changes at a time, or one rewind alone: what a person saves while files go back would be swept away with what it
 * replaces. A rewind that waits goes before changes that come after it. It does not know files.
 */
import { AppError } from '@remote-claude/contract';

export interface Gate {
  /**
   * Runs beside others of its kind, and never beside `alone`. Who has waited too long for that, counted from `sinceMs` on
   * the clock of `performance.now()`, is told so and does nothing, then or later: `unavailable`.
   */
  shared<T>(work: () => Promise<T>, sinceMs?: number): Promise<T>;
  /** Runs when everything before it is over; what comes later waits. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** Less than a caller waits for an answer: it would not know whether this was done. */
const defaultPatienceMs = 30_000;

export const createGate = ({ patienceMs = defaultPatienceMs } = {}): Gate => {
  const open = new Set<Promise<unknown>>();
  /** The end of the last work that runs alone. It never rejects. */
  let closed: Promise<unknown> | null = null;

  const opening = async (rewind: Promise<unknown>, leftMs: number): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(beingPutBack()), leftMs);
    });
    try {
      await Promise.race([rewind, late]);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    async shared(work, sinceMs = performance.now()) {
      while (closed !== null) await opening(closed, sinceMs + patienceMs - performance.now());
      const mine = work();
      const entry = mine.catch(() => undefined);
      open.add(entry);
      try {
        return await mine;
      } finally {
        open.delete(entry);
      }
    },
    async alone(work) {
      const before = closed === null ? [...open] : [closed, ...open];
      const mine = Promise.all(before).then(work);
      const end = mine.catch(() => undefined);
      closed = end;
      try {
        return await mine;
      } finally {
        if (closed === end) closed = null;
      }
    },
  };
};

const beingPutBack = (): AppError =>
  new AppError('unavailable', {
    message:
      'The files of this session are being put back, which takes a while. Nothing was changed; try again shortly.',
  });
