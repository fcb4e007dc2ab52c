/**
 * Which checkpoints there are: one small file, replaced as a whole and synced, so that a crash leaves the old list or the
 * new one. It does not know what is in a checkpoint's tree.
 */
import { readFileSync, renameSync } from 'node:fs';
import { open } from 'node:fs/promises';

import { checkpoint, checkpointId, type Checkpoint, type CheckpointId } from '@remote-claude/contract';
import { z } from 'zod';

import type { Log } from '../parts.js';

const content = z.object({ checkpoints: z.array(checkpoint), pinned: z.array(checkpointId).default([]) });
type Content = z.infer<typeof content>;

export interface Records {
  /** The oldest first. */
  readonly all: readonly Checkpoint[];
  /** Those that stay, whatever else goes. */
  readonly pinned: readonly CheckpointId[];
  /** With what is to be pinned from now on, where that changes. */
  add(taken: Checkpoint, pinned?: readonly CheckpointId[]): Promise<void>;
  unpin(id: CheckpointId): Promise<void>;
  drop(ids: ReadonlySet<CheckpointId>): Promise<void>;
}

export const createRecords = (path: string, log: Log): Records => {
  let now = read(path, log);

  const save = async (change: Partial<Content>): Promise<void> => {
    const next = { ...now, ...change };
    const handle = await open(`${path}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(next));
      await handle.sync();
    } finally {
      await handle.close();
    }
    renameSync(`${path}.new`, path);
    now = next;
  };

  return {
    get all() {
      return now.checkpoints;
    },
    get pinned() {
      return now.pinned;
    },
    add: (taken, pinned = now.pinned) => save({ checkpoints: [...now.checkpoints, taken], pinned: [...pinned] }),
    unpin: async (id) => {
      if (now.pinned.includes(id)) await save({ pinned: now.pinned.filter((one) => one !== id) });
    },
    drop: (ids) => save({ checkpoints: now.checkpoints.filter((one) => !ids.has(one.checkpointId)) }),
  };
};

const nothing: Content = { checkpoints: [], pinned: [] };

const read = (path: string, log: Log): Content => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return nothing;
  }
  try {
    return content.parse(JSON.parse(text));
  } catch (cause) {
    log('error', 'The list of checkpoints cannot be read and is put aside.', { cause: String(cause) });
    renameSync(path, `${path}.damaged`);
    return nothing;
  }
};
