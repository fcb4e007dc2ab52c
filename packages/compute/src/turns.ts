/** One after the other per name, side by side between names. It does not know what is done. */
export interface Turns {
  run<T>(name: string, act: () => Promise<T>): Promise<T>;
  settled(): Promise<void>;
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    run: (name, act) => {
      const turn = (last.get(name) ?? Promise.resolve()).then(act, act);
      const done = turn.then(
        () => undefined,
        () => undefined,
      );
      last.set(name, done);
      void done.then(() => {
        if (last.get(name) === done) last.delete(name);
      });
      return turn;
    },
    settled: async () => {
      await Promise.all(last.values());
    },
  };
}
