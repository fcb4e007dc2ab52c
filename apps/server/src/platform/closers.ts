// What must be closed, in reverse order of opening. One that fails does not keep the others open.

export interface Closers {
  /** Returns what was opened, so that opening and its end stand on one line. */
  add<T>(opened: T, close: (opened: T) => unknown): T;
  /** Closes all, newest first; throws the first error after the last. */
  closeAll(): Promise<void>;
}

export const createClosers = (): Closers => {
  const closers: (() => unknown)[] = [];
  return {
    add(opened, close) {
      closers.push(() => close(opened));
      return opened;
    },
    async closeAll() {
      const errors: unknown[] = [];
      for (const close of closers.splice(0).reverse()) {
        try {
          await close();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw errors[0];
    },
  };
};
