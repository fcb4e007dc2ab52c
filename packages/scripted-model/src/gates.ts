/**
 * Named gates that hold an answer in its middle until a test lets it go on. It does not know what is held.
 */
export interface Gates {
  /** Waits at the gate until it is open; gives up when the signal aborts. Never rejects. */
  pass(name: string, signal: AbortSignal): Promise<void>;
  /** Opens the gate: whoever waits goes on, and whoever comes later passes. */
  release(name: string): void;
  /** Shuts a gate that was released, for those who come from now on. */
  hold(name: string): void;
  /** How many answers wait at the gate now. */
  waiting(name: string): number;
  /** Resolves once so many answers wait at the gate; rejects after `timeoutMs`. */
  untilWaiting(name: string, options?: { count?: number; timeoutMs?: number }): Promise<void>;
}

export const createGates = (): Gates => {
  const open = new Set<string>();
  const held = new Map<string, Set<() => void>>();
  const watchers = new Set<() => void>();

  const waiting = (name: string): number => held.get(name)?.size ?? 0;

  const pass = (name: string, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (open.has(name) || signal.aborted) return resolve();
      const here = held.get(name) ?? new Set();
      held.set(name, here);
      const leave = (): void => {
        here.delete(leave);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      here.add(leave);
      signal.addEventListener('abort', leave, { once: true });
      for (const watcher of [...watchers]) watcher();
    });

  const untilWaiting = (name: string, options: { count?: number; timeoutMs?: number } = {}): Promise<void> => {
    const { count = 1, timeoutMs = 30_000 } = options;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        watchers.delete(check);
      };
      const check = (): void => {
        if (waiting(name) < count) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`${waiting(name)} of ${count} answers reached the gate "${name}" within ${timeoutMs} ms.`));
      }, timeoutMs);
      watchers.add(check);
      check();
    });
  };

  return {
    pass,
    release: (name) => {
      open.add(name);
      for (const leave of [...(held.get(name) ?? [])]) leave();
    },
    hold: (name) => void open.delete(name),
    waiting,
    untilWaiting,
  };
};
