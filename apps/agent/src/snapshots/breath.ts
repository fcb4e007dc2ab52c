/** Long work in small pieces: others get their turn of the event loop every few milliseconds. It does not know the work. */
import { setImmediate as nextRound } from 'node:timers/promises';

const pieceMs = 3;

/** Called often; returns a promise only when it is time to let others work. Throws when the work is to end. */
export const createBreath = (signal?: AbortSignal): (() => Promise<void> | undefined) => {
  let since = performance.now();
  return () => {
    if (signal?.aborted === true) throw signal.reason;
    if (performance.now() - since < pieceMs) return undefined;
    return nextRound().then(() => {
      since = performance.now();
    });
  };
};
