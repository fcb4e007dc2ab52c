// One word that outlives the process, in a file. It does not know what the word means.

import { readFile } from 'node:fs/promises';

import { createFileOnce, isErrorCode, replaceFile } from './files.js';

export interface Remembered {
  /** null where nothing was written. */
  read(): Promise<string | null>;
  write(word: string): Promise<void>;
}

export const createRemembered = (path: string): Remembered => ({
  async read() {
    try {
      return (await readFile(path, 'utf8')).trim();
    } catch (error) {
      if (isErrorCode(error, 'ENOENT')) return null;
      throw error;
    }
  },
  write: (word) => replaceFile(path, `${word}\n`, 0o600),
});

/** The word of the file, which is this one where there was none; of several that ask at once all get the same. */
export const rememberOnce = async (path: string, word: string): Promise<string> => {
  await createFileOnce(path, `${word}\n`, 0o600);
  return (await readFile(path, 'utf8')).trim();
};
