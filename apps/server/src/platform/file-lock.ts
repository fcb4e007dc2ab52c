// An advisory lock on a file (flock) that ends with the process, however it ends. It does not know what is protected.
//
// A file that holds a pid would have to be judged after a kill: the pid may be taken by another program, or mean
// nothing in this container. The kernel's lock belongs to the open file and needs no judgement.

import { spawnSync } from 'node:child_process';
import { open, type FileHandle } from 'node:fs/promises';
import { constants } from 'node:fs';
import { isErrorCode } from './files.js';

export interface FileLock {
  release(): Promise<void>;
}

/** Takes the lock and writes our pid into the file, or returns the text that the present holder wrote. */
export async function tryFileLock(path: string): Promise<FileLock | { heldBy: string }> {
  const handle = await openLocked(path);
  if (handle !== undefined) {
    await handle.truncate(0);
    await handle.write(`${process.pid}\n`, 0);
    return { release: () => handle.close() };
  }
  const reader = await open(path, 'r');
  try {
    return { heldBy: (await reader.readFile('utf8')).trim() };
  } finally {
    await reader.close();
  }
}

async function openLocked(path: string): Promise<FileHandle | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT;
  if (process.platform === 'darwin') {
    const exclusiveLock = 0x20; // O_EXLOCK: open(2) of the BSDs takes the lock itself.
    try {
      return await open(path, flags | exclusiveLock | constants.O_NONBLOCK, 0o600);
    } catch (error) {
      if (isErrorCode(error, 'EAGAIN')) return undefined;
      throw error;
    }
  }
  const handle = await open(path, flags, 0o600);
  // Node has no flock. The child locks the open file that it inherits as descriptor 3, which stays locked for as long
  // as we keep it open; our other children do not inherit it (O_CLOEXEC).
  const child = spawnSync('flock', ['-x', '-n', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', handle.fd],
    encoding: 'utf8',
  });
  if (child.status === 0) return handle;
  await handle.close();
  if (child.status === 1) return undefined;
  const reason = child.error?.message ?? child.stderr.trim();
  throw new Error(`Cannot lock ${path}: ${reason}. The command flock (package util-linux) is needed.`);
}
