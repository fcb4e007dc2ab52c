// The one-time token of the first run: a file that only the server's user reads. It knows no user.

import { readFile, rm, writeFile } from 'node:fs/promises';

import { createToken, equalInConstantTime } from '../../platform/tokens.js';

export interface SetupToken {
  /** The token, made where there is none yet. */
  ensure(): Promise<string>;
  matches(token: string): Promise<boolean>;
  remove(): Promise<void>;
}

export const createSetupToken = (path: string): SetupToken => {
  const read = async (): Promise<string | null> => {
    try {
      return (await readFile(path, 'utf8')).trim() || null;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw thrown;
    }
  };
  return {
    async ensure() {
      const stored = await read();
      if (stored !== null) return stored;
      const token = createToken();
      await writeFile(path, `${token}\n`, { mode: 0o600 });
      return token;
    },
    async matches(token) {
      const stored = await read();
      return stored !== null && equalInConstantTime(stored, token);
    },
    remove: () => rm(path, { force: true }),
  };
};
