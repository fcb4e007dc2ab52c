// A driver that acts only while the lease is kept under which the act was decided: between the two it may have ended, and
// then the session was another's, even where we have a newer lease by now. Looking is always allowed.

import { ComputeError, type Driver } from '@remote-claude/compute';

/** An act that was not begun, for its session may be another's to look after. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

const lost = (cause?: unknown): LeaseLostError =>
  new LeaseLostError('The lease on the sessions ended before this act.', { cause });

/** `mayAct` is asked at once, and by the driver when its turn on the session has come: that may take a while. */
export const createGuardedDriver = (driver: Driver, mayAct: () => boolean): Driver => {
  const guard = async <T>(act: () => Promise<T>): Promise<T> => {
    if (!mayAct()) throw lost();
    try {
      return await act();
    } catch (error) {
      throw error instanceof ComputeError && error.code === 'superseded' ? lost(error) : error;
    }
  };
  return {
    ...driver,
    start: (spec, progress) => guard(() => driver.start(spec, progress, mayAct)),
    stop: (handle, options) => guard(() => driver.stop(handle, { ...options, mayAct })),
    destroy: (sessionId) => guard(() => driver.destroy(sessionId, mayAct)),
  };
};
