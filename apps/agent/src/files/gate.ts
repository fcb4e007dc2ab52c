/**
 * Many changes at a time, or one rewind alone: what a person saves while files go back would be swept away with what it
 * replaces. A rewind that waits goes before changes that come after it. It does not know files.
 */
export interface Gate {
  /** Runs beside others of its kind, and never beside `alone`. */
  shared<T>(work: () => Promise<T>): Promise<T>;
  /** Runs when everything before it is over; what comes later waits. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

export const createGate = (): Gate => {
  const open = new Set<Promise<unknown>>();
  /** The end of the last work that runs alone. It never rejects. */
  let closed: Promise<unknown> | null = null;

  return {
    async shared(work) {
      while (closed !== null) await closed;
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
