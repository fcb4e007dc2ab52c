/**
 * Keeps the store bounded: which checkpoints go when there are too many or they are too large, and which objects are
 * needed by those that stay. It decides and marks; it removes nothing itself.
 */
import type { Checkpoint } from '@remote-claude/contract';

import { DamagedError, decodeChunks, decodeFolder, ofHex, type Hash } from './objects.js';
import type { ObjectStore } from './store.js';

/** These stay as long as anything can go in their place. */
const lastKept = 20;

/**
 * The order in which checkpoints go. First what lies between the turns, then one turn after the other, the oldest first;
 * the first of all and the last few outlast those, and the very last never goes.
 */
export const dropOrder = (all: readonly Checkpoint[]): Checkpoint[] => {
  const old = all.slice(1, Math.max(1, all.length - lastKept));
  const isOfTurn = ({ reason }: Checkpoint): boolean => reason === 'before-turn';
  const recent = all.slice(Math.max(1, all.length - lastKept), -1);
  const first = all.length > 1 ? all.slice(0, 1) : [];
  return [...old.filter((one) => !isOfTurn(one)), ...old.filter(isOfTurn), ...first, ...recent];
};

export interface Marked {
  needed: Set<Hash>;
  /** Those whose objects are not all there. */
  damaged: Checkpoint[];
}

/** All that the given trees need. What is shared is looked into once. */
export const markNeeded = async (
  objects: Pick<ObjectStore, 'read'>,
  { checkpoints, roots }: { checkpoints: readonly Checkpoint[]; roots: readonly Hash[] },
  breath: () => Promise<void> | undefined,
): Promise<Marked> => {
  const needed = new Set<Hash>();
  const damaged: Checkpoint[] = [];
  const mark = async (root: Hash): Promise<void> => {
    const folders = [root];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      if (needed.has(folder)) continue;
      const entries = decodeFolder(objects.read(folder));
      needed.add(folder);
      for (const { kind, hash } of entries) {
        await breath();
        if (kind === 'skipped') continue;
        if (kind === 'folder') folders.push(hash);
        else if (!needed.has(hash)) {
          if (kind === 'chunked') for (const chunk of decodeChunks(objects.read(hash))) needed.add(chunk);
          needed.add(hash);
        }
      }
    }
  };
  for (const root of roots) await mark(root).catch(ignoreDamage);
  for (const one of checkpoints) {
    await mark(ofHex(one.tree)).catch((error: unknown) => {
      ignoreDamage(error);
      damaged.push(one);
    });
  }
  return { needed, damaged };
};

const ignoreDamage = (error: unknown): void => {
  if (!(error instanceof DamagedError)) throw error;
};
