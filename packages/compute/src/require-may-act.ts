/** Asks, before a driver acts on a session, whether its caller may still. It does not know what is done. */
import { ComputeError } from './driver.js';
import type { MayAct } from './driver.js';

/** Throws `superseded` where it may not. */
export function requireMayAct(mayAct: MayAct | undefined): void {
  if (mayAct?.() === false)
    throw new ComputeError('superseded', 'Another server looks after this session by now; nothing was done.');
}
