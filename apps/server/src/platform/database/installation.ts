// What makes a database one installation: an id of its own, and the mark of the key that its secrets are sealed with.
// It knows neither the key nor what is sealed.

import { randomUUID } from 'node:crypto';

import type { Database } from './database.js';
import { json } from './json.js';

const settingKey = 'installation';

interface Installation {
  id: string;
  keyMark: string;
}

/** The master key is another one than that of this database. Its sentence says what to do; `code` tells it from a bug. */
class OtherKeyError extends Error {
  readonly code = 'OTHER_MASTER_KEY';
}

/** Gives the id, made at the first call. Rejects with `OtherKeyError` where another key was marked. */
export const openInstallation = async ({ db }: Database, keyMark: string): Promise<string> => {
  await db
    .insertInto('settings')
    .values({ key: settingKey, value: json({ id: randomUUID(), keyMark } satisfies Installation) })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
  const { value } = await db
    .selectFrom('settings')
    .select('value')
    .where('key', '=', settingKey)
    .executeTakeFirstOrThrow();
  const found = value as Installation;
  if (found.keyMark !== keyMark)
    throw new OtherKeyError(
      'The master key is not the one that this database was set up with: stored secrets could not be opened and running ' +
        'sessions not reached. Give every server of a database the same security.masterKey; where it was never ' +
        'configured it is in secrets/master.key of the first server’s data folder.',
    );
  return found.id;
};
