// A folder with a file system of its own that can be filled to its last byte. Needs root; the folder's content stays.

import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { builtEnv } from './config.js';

const run = promisify(execFile);

export interface SizedFolder {
  /** Takes all that is left. */
  fill(): Promise<void>;
  /** Gives it back. */
  free(): Promise<void>;
  close(): Promise<void>;
}

/** Nobody may use the folder meanwhile. `leftBytes` is what it has beyond its content. */
export const sizeFolder = async (path: string, leftBytes: number): Promise<SizedFolder> => {
  const before = await stat(path);
  const aside = `${path}.whole`;
  const filling = join(path, '.fill');
  const { stdout } = await run('du', ['-s', '--block-size=1', path], { env: builtEnv() });
  const usedBytes = Number.parseInt(stdout, 10);
  await rename(path, aside);
  await mkdir(path);
  await run('mount', ['-t', 'tmpfs', '-o', `size=${usedBytes + leftBytes}`, 'none', path], { env: builtEnv() });
  await run('cp', ['-a', `${aside}/.`, path], { env: builtEnv() });
  await chown(path, before.uid, before.gid);
  await chmod(path, before.mode);
  await rm(aside, { recursive: true });

  return {
    async fill() {
      const file = await open(filling, 'a');
      try {
        for (const size of [64 * 1024, 4096]) {
          const zeros = Buffer.alloc(size);
          // The last write goes as far as there is room.
          await (async () => {
            for (;;) await file.write(zeros);
          })().catch((error: NodeJS.ErrnoException) => {
            if (error.code !== 'ENOSPC') throw error;
          });
        }
      } finally {
        await file.close();
      }
    },
    free: () => rm(filling, { force: true }),
    // What still has files open there keeps it until it ends.
    close: async () => void (await run('umount', ['-l', path], { env: builtEnv() })),
  };
};
