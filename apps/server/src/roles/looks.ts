// What each role looks at to know how it is. It says what is wrong in words that name nothing of the site.

import type { Site } from './site.js';

/** Resolves to what is wrong, as sentences; one that throws or takes too long is wrong too. */
export type Look = () => Promise<readonly string[]>;

export const databaseGone = 'The database does not answer.';
const noLease = 'The session-manager has no lease now: nothing starts or stops; what runs goes on.';
const redisGone = 'Redis does not answer: everything works without it, some of it a little later.';
const deaf = 'News of other processes do not come in: they are read again as soon as they do.';

const engineAway = 'Some sessions have their disk on an engine that is not here: they wait for it.';

export const lookForEngines =
  (isAway: () => boolean): Look =>
  async () =>
    isAway() ? [engineAway] : [];

/** Whether a role in another process answers. */
export const lookFor =
  (role: string, answers: () => Promise<boolean>): Look =>
  async () =>
    (await answers()) ? [] : [`The ${role} does not answer.`];

export interface Looks {
  database: Look;
  lease(isHeld: () => boolean): Look;
  /** What the process goes on without. */
  helpers: Look[];
}

export const createLooks = ({
  database,
  bus,
  isRedisReady,
}: Pick<Site, 'database' | 'bus' | 'isRedisReady'>): Looks => {
  let asking: Promise<void> | null = null;
  /** A database that is silent keeps one connection waiting, however often somebody looks. */
  const ping = (): Promise<void> => {
    asking ??= database.ping().finally(() => {
      asking = null;
    });
    return asking;
  };
  const lookAtDatabase: Look = () =>
    ping().then(
      () => [],
      () => [databaseGone],
    );
  return {
    database: lookAtDatabase,
    lease: (isHeld) => async () => [...(isHeld() ? [] : [noLease]), ...(await lookAtDatabase())],
    helpers: [
      async () => (bus.isConnected() ? [] : [deaf]),
      async () => (isRedisReady === null || isRedisReady() ? [] : [redisGone]),
    ],
  };
};
