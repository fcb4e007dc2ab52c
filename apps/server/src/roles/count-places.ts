// How many places a server leaves running when it ends. It knows no session's state.

import type { Driver } from '@remote-claude/compute';

export interface CountPlacesDeps {
  driver: Pick<Driver, 'list'>;
  /** Whether this session shall go on; one that is being ended is not left running. */
  isWanted(sessionId: string): Promise<boolean>;
  withinMs: number;
}

/** null where the engine does not say in time. */
export const countPlaces = ({ driver, isWanted, withinMs }: CountPlacesDeps): Promise<number | null> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), withinMs);
    const count = async (): Promise<number> => {
      const found = await driver.list();
      // What nobody knows of runs all the same.
      const wanted = await Promise.all(found.map(({ sessionId }) => isWanted(sessionId).catch(() => true)));
      return wanted.filter(Boolean).length;
    };
    count()
      .then(resolve, () => resolve(null))
      .finally(() => clearTimeout(timer));
  });
