// A log that nobody reads, for parts under test.

import { createLog, type Log } from '../platform/log.js';

export function createSilentLog(): Log {
  return createLog({ level: 'error', plain: false, sink: { write: () => true } });
}
