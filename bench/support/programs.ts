// Finds the peers that this machine has. It installs none.
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

import { builtEnv } from '../../tests/support/config.js';

/** The program's path, or null where it is not installed. */
export const findProgram = async (name: string): Promise<string | null> => {
  const paths = (builtEnv()['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  for (const path of paths) {
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return null;
};
