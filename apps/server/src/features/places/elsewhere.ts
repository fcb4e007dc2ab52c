// Tells people of sessions that no session-manager can look after, since none has the engine with their disk. It moves none of
// them, and knows no driver: it writes words.

import type { SessionState } from '@remote-claude/contract';

import type { Cancel, Clock } from '../../platform/clock.js';
import type { Database } from '../../platform/database/index.js';
import type { Log } from '../../platform/log.js';
import type { Events } from '../events/index.js';
import type { ElsewhereStore } from './elsewhere-store.js';
import { isAsWritten, placeChanged } from './place-record.js';
import type { PlaceWords } from './stumble.js';

export interface ElsewhereDeps {
  store: ElsewhereStore;
  database: Database;
  events: Events;
  clock: Clock;
  log: Log;
  /** Between two looks. */
  everyMs: number;
  /** An engine whose manager is away for so long is not just being started again. */
  graceMs: number;
}

const elsewhereReason = 'Its disk is on an engine that is not here.';
const kept = 'Its history is kept, and what is on that disk too.';
const mend = 'Whoever runs this server can bring that engine back, or move its sessions: remote-claude engine.';
const step = 'Waiting for its engine';

const wordsFor = ({ wanted, place }: SessionState, hasPlace: boolean): PlaceWords => {
  if (wanted !== 'running')
    return hasPlace
      ? { status: 'stopping', reason: elsewhereReason, next: `It stops when that engine is back. ${mend}` }
      : { status: 'stopped', reason: place.reason, next: place.next };
  return hasPlace
    ? { status: 'unreachable', reason: elsewhereReason, next: `It may still be running there. ${kept} ${mend}` }
    : {
        status: 'starting',
        step,
        reason: elsewhereReason,
        next: `${kept} It starts when that engine is back. ${mend}`,
      };
};

export const createElsewhere = (deps: ElsewhereDeps) => {
  const { store, database, events, clock, log } = deps;
  /** By engine that is not here: since when, as seen from this process. */
  const since = new Map<string, number>();
  let away: { engines: number; sessions: number } = { engines: 0, sessions: 0 };
  let closed = false;
  let cancel: Cancel = () => {};
  let looking: Promise<void> = Promise.resolve();

  const say = (sessionId: string, engine: string): Promise<void> =>
    database.transaction(async (trx) => {
      const { state } = await events.lock(trx, sessionId);
      // Who has it by now says what is so.
      const row = await store.find(trx, sessionId, engine);
      if (row === null) return;
      const event = placeChanged(state, wordsFor(state, row.hasPlace));
      if (!isAsWritten(state, event)) await events.record(trx, sessionId, [event]);
    });

  const look = async (): Promise<void> => {
    const nowMs = clock.monotonicMs();
    const gone = (await store.engines()).filter(({ managers }) => managers === 0);
    const names = new Set(gone.map(({ engine }) => engine));
    for (const engine of since.keys()) if (!names.has(engine)) since.delete(engine);
    for (const engine of names) if (!since.has(engine)) since.set(engine, nowMs);
    const isAway = (engine: string): boolean => nowMs - (since.get(engine) ?? nowMs) >= deps.graceMs;
    const found = gone.filter(({ engine }) => isAway(engine));
    if (found.length !== away.engines && found.length > 0)
      log.warn({ engines: found }, 'sessions have their disk on engines that no session-manager has');
    away = { engines: found.length, sessions: found.reduce((sum, { sessions }) => sum + sessions, 0) };
    if (found.length === 0) return;
    for (const { sessionId, engine } of await store.unsettled({ reason: elsewhereReason })) {
      if (closed) return;
      if (isAway(engine)) await say(sessionId, engine);
    }
  };

  const round = (): void => {
    looking = look()
      .catch((err: unknown) =>
        log.warn({ err }, 'sessions on other engines could not be looked at and are tried again'),
      )
      .then(() => {
        if (!closed) cancel = clock.after(deps.everyMs, round);
      });
  };

  return {
    start: round,
    look,
    isAway: (): boolean => away.engines > 0,
    /** For whoever runs the site. */
    warnings: (): string[] =>
      away.engines === 0
        ? []
        : [
            `${away.sessions === 1 ? '1 session has its disk' : `${away.sessions} sessions have their disks`} on ${away.engines === 1 ? 'an engine that is' : `${away.engines} engines that are`} not here. Bring it back, or move the sessions: remote-claude engine list.`,
          ],
    async close(): Promise<void> {
      closed = true;
      cancel();
      await looking;
    },
  };
};
