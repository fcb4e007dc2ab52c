// Opens the doors that the sessions' rows name, for a gateway that the session-manager does not share a process with. Several
// gateways of a machine look at the same rows: who finds a door that nobody listens at opens it.

import type { Cancel, Clock } from '../../platform/clock.js';
import type { Log } from '../../platform/log.js';
import type { Doors } from './doors.js';
import type { GatewayStore } from './store.js';

export interface DoorRowsDeps {
  store: Pick<GatewayStore, 'doorOf' | 'doors'>;
  doors: Doors;
  clock: Clock;
  log: Log;
  /** Between two looks at everything. */
  everyMs: number;
}

export const createDoorRows = ({ store, doors, clock, log, everyMs }: DoorRowsDeps) => {
  let closed = false;
  let cancel: Cancel = () => {};
  let looking: Promise<void> = Promise.resolve();

  const lookAtAll = async (): Promise<void> => {
    const rows = await store.doors();
    const known = new Set(rows.map(({ sessionId }) => sessionId));
    for (const sessionId of doors.sessions()) if (!known.has(sessionId)) await doors.close(sessionId);
    for (const { sessionId, placeId, address } of rows) {
      if (closed) return;
      // A folder that is not on this machine, or not there any more, is not ours to open.
      await doors
        .takeOver(sessionId, placeId, address)
        .catch((err: unknown) => log.debug({ err, sessionId }, 'the door of a session could not be opened'));
    }
  };
  const round = (): void => {
    looking = lookAtAll()
      .catch((err: unknown) => log.warn({ err }, 'the doors of sessions could not be looked at and are tried again'))
      .then(() => {
        if (!closed) cancel = clock.after(everyMs, round);
      });
  };

  return {
    start: round,
    lookAtAll,
    /** Opens the door of this session's place now. */
    async look(sessionId: string): Promise<void> {
      const row = await store.doorOf(sessionId);
      if (row === null) return doors.close(sessionId);
      // One of ours may have been taken over, and then answers elsewhere; what is not ours may be an old place's.
      const { placeId, address } = row;
      if (doors.isOpen(sessionId, placeId)) await doors.takeOver(sessionId, placeId, address);
      else await doors.open(sessionId, placeId, address);
    },
    async close(): Promise<void> {
      closed = true;
      cancel();
      await looking;
    },
  };
};
