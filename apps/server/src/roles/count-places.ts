// How many places a server leaves running when it ends. It knows no session.

import type { Driver } from '@remote-claude/compute';

/** null where the engine does not say in time. */
export const countPlaces = (driver: Driver, withinMs: number): Promise<number | null> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), withinMs);
    driver
      .list()
      .then(
        (found) => resolve(found.length),
        () => resolve(null),
      )
      .finally(() => clearTimeout(timer));
  });
