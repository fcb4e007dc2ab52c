// Work in the order in which it came, one piece at a time. It knows nothing of the work.

export interface Lane {
  /** Whether something is under way or waits. */
  isBusy(): boolean;
  /** False where too much waits already. */
  add(work: () => Promise<void>): boolean;
}

/** `work` must not reject. */
export const createLane = (maxWaiting: number): Lane => {
  const waiting: (() => Promise<void>)[] = [];
  let running = false;

  const run = async (): Promise<void> => {
    running = true;
    for (let work = waiting.shift(); work !== undefined; work = waiting.shift()) await work();
    running = false;
  };
  return {
    isBusy: () => running,
    add(work) {
      if (waiting.length >= maxWaiting) return false;
      waiting.push(work);
      if (!running) void run();
      return true;
    },
  };
};
