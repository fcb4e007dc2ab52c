// A driver that acts only while the lease is kept under which the act was decided: between the two it may have ended, and
// then the session was another's, even where we have a newer lease by now. Looking is always allowed.

import type { Driver } from '@remote-claude/compute';

/** An act that was not begun, for its session may be another's to look after. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

export const createGuardedDriver = (driver: Driver, mayAct: () => boolean): Driver => {
  const guard = async <T>(act: () => Promise<T>): Promise<T> => {
    if (!mayAct()) throw new LeaseLostError('The lease on the sessions ended before this act.');
    return act();
  };
  return {
    ...driver,
    start: (spec, progress) => guard(() => driver.start(spec, progress)),
    stop: (handle, options) => guard(() => driver.stop(handle, options)),
    destroy: (sessionId) => guard(() => driver.destroy(sessionId)),
  };
};
