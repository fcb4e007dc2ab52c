/**
 * Which checkpoints there are: one small file, replaced as a whole and synced, so that a crash leaves the old list or the
 * new one. It does not know what is in a checkpoint's tree.
 */
import { readFileSync, renameSync } from 'node:fs';
import { open } from 'node:fs/promises';

import { checkpoint, type Checkpoint, type CheckpointId } from '@remote-claude/contract';
import { z } from 'zod';

import type { Log } from '../parts.js';

const content = z.object({ checkpoints: z.array(checkpoint) });

export interface Records {
  /** The oldest first. */
  readonly all: readonly Checkpoint[];
  add(taken: Checkpoint): Promise<void>;
  drop(ids: ReadonlySet<CheckpointId>): Promise<void>;
}

export const createRecords = (path: string, log: Log): Records => {
  let all = read(path, log);

  const save = async (next: Checkpoint[]): Promise<void> => {
    const handle = await open(`${path}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify({ checkpoints: next }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    renameSync(`${path}.new`, path);
    all = next;
  };

  return {
    get all() {
      return all;
    },
    add: (taken) => save([...all, taken]),
    drop: (ids) => save(all.filter(({ checkpointId }) => !ids.has(checkpointId))),
  };
};

const read = (path: string, log: Log): Checkpoint[] => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  try {
    return content.parse(JSON.parse(text)).checkpoints;
  } catch (cause) {
    log('error', 'The list of checkpoints cannot be read and is put aside.', { cause: String(cause) });
    renameSync(path, `${path}.damaged`);
    return [];
  }
};
