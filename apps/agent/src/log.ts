/** One JSON line per happening, on stderr. It does not rotate: whoever started the agent keeps its output. */
import type { Log } from './parts.js';

export const createLog =
  (write: (line: string) => void = (line) => void process.stderr.write(line)): Log =>
  (level, message, fields = {}) =>
    write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields })}\n`);
