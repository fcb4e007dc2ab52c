// The steps by which a place begins: its turn in the line, its start at the driver, and the opening of its way out. It knows
// nothing of what happens once the place is there.

import { randomUUID } from 'node:crypto';
import { ComputeError, type PlaceAddresses } from '@remote-claude/compute';

import type { EndSteps } from './end-steps.js';
import { agentEnvironment } from './environment.js';
import { LeaseLostError } from './guarded-driver.js';
import type { WayIn } from './line.js';
import { needsOf } from './place-needs.js';
import type { StepParts } from './step-parts.js';
import type { PlaceRow } from './store.js';
import { StepFailure, systemReason } from './stumble.js';

export const createStartSteps = (
  parts: StepParts,
  ends: Pick<EndSteps, 'failed' | 'diskGone' | 'findLive' | 'stopSuperseded'>,
) => {
  const { database, store, driver, leases, gateway, log, actingAs, queue } = parts;
  const { change } = parts.record;
  const { failed, diskGone, findLive, stopSuperseded } = ends;

  const start = async (row: PlaceRow, placeId: string): Promise<void> => {
    const { sessionId } = row;
    const layout = driver.layout(sessionId);
    const { runtime } = parts.environment;
    let said = Promise.resolve();
    // One that is known as failed, or waits for an engine without room, is tried in silence: it is called starting when there
    // is something to see.
    const isQuiet = row.state.place.status === 'failed' || row.state.place.status === 'queued';
    const progress = (step: string): void => {
      if (isQuiet) return;
      said = said
        .then(() => change(row, { status: 'starting', step: step.slice(0, 200), reason: null }))
        .catch((err: unknown) => log.warn({ err, sessionId }, 'a step of a start could not be written down'));
    };
    const started = await actingAs(row.fence.owner).start(
      {
        sessionId,
        placeId,
        disk: row.hasDisk ? 'existing' : 'new',
        command: runtime.command,
        environment: agentEnvironment(parts.environment, { sessionId, placeId }, layout, row),
        limits: parts.limitsOf(row.config),
        ...needsOf(parts.environment, parts.imageOf(row.config)),
      },
      progress,
    );
    await said;
    const { agent, gateway: way } = started;
    const isOurs = await store.recordStarted(
      row.fence,
      { sessionId, placeId, handle: started.handle },
      { agent, gateway: way },
    );
    if (isOurs) await openGateway(sessionId, placeId, way);
  };

  /** A door that could not be opened is not half open: the next look tries it again. */
  const openGateway = async (sessionId: string, placeId: string, address: PlaceAddresses['gateway']): Promise<void> => {
    try {
      await gateway.open(sessionId, placeId, address);
    } catch (error) {
      await gateway.close(sessionId).catch(() => {});
      throw new StepFailure(`The session's way to the model could not be opened: ${systemReason(error)}.`, {
        cause: error,
      });
    }
  };

  /** A start that was refused. What runs nevertheless is found: under our id it is ours, under another it is superseded. */
  const startRefused = async (row: PlaceRow, error: unknown): Promise<void> => {
    // Not refused: another's to start by now.
    if (error instanceof LeaseLostError) throw error;
    log.warn({ err: error, sessionId: row.sessionId, attempt: row.attempts }, 'a session could not be started');
    const live = await findLive(row.sessionId);
    for (const found of live.filter(({ placeId }) => placeId !== row.placeId))
      await stopSuperseded(found, row.fence.owner);
    if (live.some(({ placeId }) => placeId === row.placeId)) return;
    if (error instanceof ComputeError && error.code === 'no_room') return queue.refuseForRoom(row, error.message);
    if (error instanceof ComputeError && error.code === 'disk_gone') return diskGone(row, error.message);
    const reason =
      error instanceof ComputeError ? error.message : 'The session could not be started; the log has the details.';
    await failed(row, reason, { attempts: row.attempts, atOnce: live.length > 0, heals: true });
  };

  return {
    async start(seen: PlaceRow, fresh: boolean): Promise<void> {
      let row = seen;
      let way: WayIn = 'room';
      if (fresh) {
        const placeId = randomUUID();
        way = await queue.begin(seen, placeId);
        const begun = await store.find(seen.sessionId);
        if (begun?.placeId !== placeId) return;
        row = { ...begun, fence: seen.fence };
      }
      if (row.placeId === null) return;
      try {
        await start(row, row.placeId);
      } catch (error) {
        return startRefused(row, error);
      }
      if (way !== 'probe') return;
      await database.transaction(async (trx) => {
        await store.line.accept(trx, leases.engine);
        await queue.moveLine(trx);
      });
    },

    /** The way out of a place that was there before this server. */
    async reopenGateway(row: PlaceRow): Promise<void> {
      if (row.placeId !== null && row.doors !== null) await openGateway(row.sessionId, row.placeId, row.doors.gateway);
    },
  };
};
