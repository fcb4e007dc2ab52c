/**
 * Which forks of this session are still to be filled from it: a small file, replaced as a whole and synced. What one begins
 * with stays in the store of checkpoints while it is here. It copies nothing.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';

import {
  AppError,
  checkpointId,
  commandId,
  sessionId,
  turnId,
  type CheckpointId,
  type SessionId,
} from '@remote-claude/contract';
import { z } from 'zod';

const point = z.object({
  forkId: sessionId,
  messageId: commandId.nullable(),
  checkpointId,
  turnId: turnId.nullable(),
  /** Where Claude goes on; null for a conversation without a beginning. */
  conversation: z.object({ id: z.uuid(), resumeAt: z.uuid().nullable(), bytes: z.int().nonnegative() }).nullable(),
  atMs: z.number(),
});
export type Point = z.infer<typeof point>;

export interface Points {
  find(forkId: SessionId): Point | null;
  list(): readonly Point[];
  /** Throws `conflict` where too many wait already. */
  requireRoom(): void;
  /** On the disk when it resolves. */
  add(point: Point): Promise<void>;
  remove(forkId: SessionId): Promise<void>;
  holds(id: CheckpointId): boolean;
}

/** Each may keep a whole tree that nothing else needs. */
const maxPoints = 5;
/** A fork that nobody fills for so long is not waited for. */
const keptMs = 7 * 86_400_000;

export const createPoints = (stateDir: string, now: () => number = Date.now): Points => {
  const folder = join(stateDir, 'fork');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'points.json');
  let all = read(path);
  let saving: Promise<void> = Promise.resolve();

  const isKept = ({ atMs }: Point): boolean => Math.abs(now() - atMs) < keptMs;
  /** One after the other, so that none is lost. */
  const change = (of: (before: Point[]) => Point[]): Promise<void> => {
    const saved = saving.then(async () => {
      const next = of(all.filter(isKept));
      const handle = await open(`${path}.new`, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(next));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${path}.new`, path);
      all = next;
    });
    saving = saved.catch(() => undefined);
    return saved;
  };

  return {
    list: () => all.filter(isKept),
    find: (id) => all.find(({ forkId }) => forkId === id) ?? null,
    requireRoom: () => {
      if (all.filter(isKept).length < maxPoints) return;
      throw new AppError('conflict', {
        message: `${maxPoints} forks of this session wait for their files already. Let one of them get them, or terminate it, and fork again.`,
      });
    },
    add: (added) => change((before) => [...before.filter(({ forkId }) => forkId !== added.forkId), added]),
    remove: (id) => change((before) => before.filter(({ forkId }) => forkId !== id)),
    holds: (id) => all.some((one) => one.checkpointId === id && isKept(one)),
  };
};

const read = (path: string): Point[] => {
  try {
    return z.array(point).parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
};
