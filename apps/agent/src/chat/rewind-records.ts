/**
 * What each rewind of the session did, so that it can be undone, and so that one which a crash cut off goes on where it
 * was. A small file, replaced as a whole. It does not rewind anything.
 */
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';

import { checkpointId, commandId, rewindCounts, rewindWhat } from '@remote-claude/contract';
import { z } from 'zod';

const point = z.object({ conversation: z.string().nullable(), resumeAt: z.string().nullable() });
const rewoundFiles = z.object({ counts: rewindCounts, isExact: z.boolean(), left: z.array(z.string()) });
const rewindRecord = z.object({
  rewindId: commandId,
  what: rewindWhat,
  messageId: commandId.nullable(),
  undoes: commandId.nullable(),
  /** Where the conversation goes, and the checkpoint of the files; null where they stay. */
  point: point.nullable(),
  checkpointId: checkpointId.nullable(),
  /** As it was before, for an undo. */
  pointBefore: point,
  safetyId: checkpointId.nullable(),
  isDone: z.boolean(),
  /** What became of the files, where it is done. */
  files: rewoundFiles.nullable(),
});
export type RewindRecord = z.infer<typeof rewindRecord>;

export interface RewindRecords {
  find(id: string): RewindRecord | null;
  /** On the disk when it resolves. */
  put(record: RewindRecord): Promise<void>;
  remove(id: string): Promise<void>;
}

const maxRecords = 200;

export const createRewindRecords = (path: string): RewindRecords => {
  let all = read(path);
  const save = async (next: RewindRecord[]): Promise<void> => {
    const handle = await open(`${path}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(next));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${path}.new`, path);
    all = next;
  };
  const others = (id: string): RewindRecord[] => all.filter(({ rewindId }) => rewindId !== id);
  return {
    find: (id) => all.find(({ rewindId }) => rewindId === id) ?? null,
    put: (record) => save([...others(record.rewindId), record].slice(-maxRecords)),
    remove: (id) => save(others(id)),
  };
};

const read = (path: string): RewindRecord[] => {
  try {
    return z.array(rewindRecord).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
};
