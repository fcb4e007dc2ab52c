// `remote-claude engine`: which engines have disks of sessions, and moving the sessions of one that is gone to the one that is
// here. It works beside servers on the same database, never in their data folder.

import { createAdopt, createElsewhereStore, type KnownEngine } from './features/places/index.js';
import { createClosers } from './platform/closers.js';
import type { Config } from './platform/config/config.js';
import { openBase, type ServerAssets } from './roles/base.js';
import { openCompute } from './roles/compute.js';
import { openSite } from './roles/site.js';

export type { KnownEngine };

export interface EnginesFound {
  /** The one that this configuration names. */
  here: string;
  engines: KnownEngine[];
}

export interface AdoptOptions {
  /** The engine that is gone; null for the only one that is away. */
  from: string | null;
  /** The database is a backup that was restored: every session is moved, and pages that are open begin anew. */
  restored: boolean;
}

/** What cannot be done as it was asked for, in a sentence; `code` tells it from a bug. */
class AdoptError extends Error {
  readonly code = 'ADOPT';
}

interface Given {
  config: Config;
  assets: ServerAssets;
}

const withSite = async <T>({ config, assets }: Given, work: (found: Found) => Promise<T>): Promise<T> => {
  const closers = createClosers();
  try {
    const site = await openSite(await openBase(config, assets, closers));
    const { engine } = await openCompute(site);
    return await work({ site, here: engine, store: createElsewhereStore(site.database) });
  } finally {
    await closers.closeAll({ withinMs: config.timing.drainMs, log: null });
  }
};
interface Found {
  site: Awaited<ReturnType<typeof openSite>>;
  here: string;
  store: ReturnType<typeof createElsewhereStore>;
}

export const listEngines = (given: Given): Promise<EnginesFound> =>
  withSite(given, async ({ here, store }) => ({ here, engines: await store.engines() }));

/** How many sessions were moved, from where. Errors: `AdoptError`. */
export const adoptEngine = (
  given: Given,
  { from, restored }: AdoptOptions,
): Promise<{ here: string; from: string | null; sessions: number }> =>
  withSite(given, async ({ site, here, store }) => {
    const engines = await store.engines();
    const gone = restored ? requireNobody(engines) : chooseGone(engines, { from, here });
    const { adopt } = createAdopt({ ...site, store, engine: here });
    return { here, from: gone, sessions: await adopt({ from: gone, restored }) };
  });

const requireNobody = (engines: readonly KnownEngine[]): null => {
  if (engines.every(({ managers }) => managers === 0)) return null;
  throw new AdoptError(
    'A session-manager works on this database. After a restore all are stopped first: stop it, wait 15 s, and ask again.',
  );
};

const chooseGone = (engines: readonly KnownEngine[], { from, here }: { from: string | null; here: string }): string => {
  const others = engines.filter(({ engine, sessions }) => engine !== here && sessions > 0);
  const found =
    from === null ? others.filter(({ managers }) => managers === 0) : others.filter(({ engine }) => engine === from);
  const [one] = found;
  if (one === undefined)
    throw new AdoptError(
      from === null
        ? 'No session has its disk on an engine that is away; there is nothing to move.'
        : `No session has its disk on an engine ${from} other than this one.`,
    );
  if (found.length > 1)
    throw new AdoptError(`Several engines are away: name one of ${found.map(({ engine }) => engine).join(', ')}.`);
  if (one.managers > 0)
    throw new AdoptError(
      `A session-manager has the engine ${one.engine} now. Its sessions are moved only once it is gone.`,
    );
  return one.engine;
};
