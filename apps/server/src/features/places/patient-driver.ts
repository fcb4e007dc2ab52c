// A driver whose verbs end in time: an engine that does not answer becomes a failure with a reason, which the caller
// repeats. The verb itself may still go on; repeating it is harmless by the driver's contract.

import { ComputeError, type ComputeErrorCode, type Driver } from '@remote-claude/compute';

import type { Clock } from '../../platform/clock.js';

export const createPatientDriver = (driver: Driver, { clock, limitMs }: { clock: Clock; limitMs: number }): Driver => {
  const within = async <T>(code: ComputeErrorCode, ms: number, verb: Promise<T>): Promise<T> => {
    let cancel = (): void => {};
    const late = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(ms, () =>
        reject(new ComputeError(code, `What runs the sessions did not answer within ${Math.round(ms / 1000)} s.`)),
      );
    });
    try {
      return await Promise.race([verb, late]);
    } finally {
      cancel();
    }
  };
  return {
    ...driver,
    start: (spec, progress, mayAct) => within('start_failed', limitMs, driver.start(spec, progress, mayAct)),
    inspect: (handle) => within('not_ready', limitMs, driver.inspect(handle)),
    stop: (handle, options) => within('stop_failed', options.graceMs + limitMs, driver.stop(handle, options)),
    destroy: (sessionId, mayAct) => within('destroy_failed', limitMs, driver.destroy(sessionId, mayAct)),
    list: () => within('not_ready', limitMs, driver.list()),
  };
};
