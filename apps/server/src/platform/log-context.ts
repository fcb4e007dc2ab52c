// What the lines of the log have in common that are written on behalf of one request: its id, its session. It is handed along by
// Node itself, so that nobody needs to know of it.

import { AsyncLocalStorage } from 'node:async_hooks';

export interface LogFields {
  requestId: string;
  sessionId?: string;
}

export interface LogContext {
  /** The fields that are in force, for each line. */
  fields(): LogFields | Record<string, never>;
  run<T>(fields: LogFields, work: () => T): T;
}

const none: Record<string, never> = {};

export const createLogContext = (): LogContext => {
  const storage = new AsyncLocalStorage<LogFields>();
  return {
    fields: () => storage.getStore() ?? none,
    run: (fields, work) => storage.run(fields, work),
  };
};
