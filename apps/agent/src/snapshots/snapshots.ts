/**
 * Checkpoints of the work tree: taken, listed, compared, put back. One piece of work at a time; each is whole or has not
 * happened. It knows no turns and no conversation: whoever takes a checkpoint says what it is for.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import {
  AppError,
  type Checkpoint,
  type CheckpointId,
  type RewindChange,
  type RewindCounts,
  type RewindDiff,
  type RewindPreview,
} from '@remote-claude/contract';

import { asAppError, type WorkTree } from '../files/index.js';
import type { Log, Propose } from '../parts.js';
import { createBreath } from './breath.js';
import { captureTree, type Captured, type Room } from './capture.js';
import { dropOrder, markNeeded } from './collect.js';
import { eachDifference, entryAt, shownPath, unknownIn, type Difference } from './differences.js';
import { DamagedError, hexOf, ofHex, type Hash } from './objects.js';
import { createRecords } from './records.js';
import { maxLeft, maxLeftPath, restoreTree } from './restore.js';
import { loadCache, saveCache, type StatCache } from './stat-cache.js';
import { createObjectStore } from './store.js';
import { createTransfer, type Transfer } from './transfer.js';
import { tellUnnamed } from './unnamed.js';

export interface CheckpointFor {
  reason: Checkpoint['reason'];
  turnId: Checkpoint['turnId'];
  messageIds: Checkpoint['messageIds'];
}

export interface RestoreResult {
  counts: RewindCounts;
  isExact: boolean;
  left: string[];
}

export interface Snapshots extends Transfer {
  /**
   * Keeps the tree as it is now. Throws `AppError` where the disk has no room for it. Taken to go back to a pinned one,
   * neither of both is dropped for room: that one until it was restored, this one, which undoes it, until the next rewind.
   */
  take(
    purpose: CheckpointFor,
    options?: { commandIds?: Parameters<Propose>[1]; pinned?: CheckpointId },
  ): Promise<Checkpoint>;
  list(): readonly Checkpoint[];
  /** What going to a checkpoint would change. */
  compare(to: Checkpoint): Promise<NonNullable<RewindPreview['files']>>;
  diff(request: { from: string; to: string; path: string }): Promise<RewindDiff>;
  /** From the tree as it is now. Where it fails, what was changed is put back; the error says which of both it is. */
  restore(to: Checkpoint): Promise<RestoreResult>;
  /** Keeps changes that people make waiting: nothing of theirs comes between what is kept and what is put back. */
  holding<T>(work: () => Promise<T>): Promise<T>;
  /** Looks at the tree ahead, so that the next checkpoint need not read all of it. */
  warm(): void;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

export interface SnapshotsDeps {
  tree: WorkTree;
  stateDir: string;
  propose: Propose;
  /** Stays, whatever else goes for want of room. */
  isHeld?(id: CheckpointId): boolean;
  log: Log;
  limits?: Partial<typeof defaultLimits>;
}

const defaultLimits = {
  /** Of the whole store. One tree alone takes no more, but for its small files: what has no room is named as skipped. */
  maxBytes: 2 * 1024 * 1024 * 1024,
  maxFileBytes: 256 * 1024 * 1024,
  maxCheckpoints: 500,
  maxPacks: 96,
};
/** Below this share of the limit after a collection, so that the next one is not due at once. */
const collectTo = 0.8;
/** Share of the limit that small files have on top. */
const smallShare = 0.1;
const maxChanges = 1_000;
const maxDiffBytes = 512 * 1024;
const maxDropped = 500;
/** Trees that were compared of late are kept for a while, for who looks at their differences. */
const rememberedRoots = 8;

export const createSnapshots = (deps: SnapshotsDeps): Snapshots => {
  const { tree, stateDir, propose, isHeld = () => false, log } = deps;
  const limits = { ...defaultLimits, ...deps.limits };
  const folder = join(stateDir, 'checkpoints');
  const cachePath = join(folder, 'stat-cache');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const store = createObjectStore(join(folder, 'packs'), log);
  const records = createRecords(join(folder, 'checkpoints.json'), log);
  const closing = new AbortController();
  const { signal } = closing;
  let roots: Hash[] = [];
  let cache: StatCache | null = null;
  let isCacheLoaded = false;
  let working: Promise<unknown> = Promise.resolve();

  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const mine = working.then(work, work);
    working = mine.catch(() => undefined);
    try {
      return await mine;
    } catch (error) {
      if (signal.aborted) throw new AppError('unavailable', { message: 'The session is ending.' });
      if (error instanceof DamagedError) log('error', error.message);
      throw error instanceof DamagedError ? damaged() : asAppError(error);
    }
  };

  /** What is new has room beside the tree as it was last: all else can go. */
  const roomBeside = (root: Hash | null): Room => ({
    atOnce: limits.maxBytes - store.bytes,
    forSmall: limits.maxBytes * smallShare,
    afterCollection: async () => {
      if (root === null) return limits.maxBytes;
      const { needed } = await markNeeded(store, { checkpoints: [], roots: [root] }, createBreath(signal));
      return limits.maxBytes - store.sizeOf(needed);
    },
  });

  const capture = async (): Promise<Captured> => {
    if (!isCacheLoaded) {
      const found = store.isDamaged ? null : await loadCache(cachePath);
      cache = found !== null && store.has(found.root) ? found : null;
      isCacheLoaded = true;
    }
    const writer = store.write();
    try {
      const captured = await captureTree({
        tree,
        writer,
        before: cache,
        maxFileBytes: limits.maxFileBytes,
        room: roomBeside(cache?.root ?? null),
        signal,
      });
      await writer.commit();
      cache = captured.cache;
      remember(captured.root);
      if (captured.filesRead > 0) await saveCache(cachePath, captured.cache, signal).catch(ignore);
      return captured;
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  };

  const collect = async (): Promise<void> => {
    const isOver = (): boolean => store.bytes > limits.maxBytes || records.all.length > limits.maxCheckpoints;
    if (!isOver() && store.packs <= limits.maxPacks) return;
    const breath = createBreath(signal);
    const gone = new Set<CheckpointId>();
    const order = dropOrder(records.all).filter(({ checkpointId: id }) => !records.pinned.includes(id) && !isHeld(id));
    const target = isOver() ? { bytes: limits.maxBytes * collectTo, count: limits.maxCheckpoints * collectTo } : null;
    for (;;) {
      const checkpoints = records.all.filter(({ checkpointId }) => !gone.has(checkpointId));
      const marked = await markNeeded(store, { checkpoints, roots }, breath);
      for (const { checkpointId } of marked.damaged) gone.add(checkpointId);
      const isFine =
        target === null || (checkpoints.length <= target.count && store.sizeOf(marked.needed) <= target.bytes);
      const next = order.filter(({ checkpointId }) => !gone.has(checkpointId)).slice(0, Math.ceil(order.length / 10));
      if (isFine || next.length === 0) {
        // First off the list, then off the disk: what the list names can be put back.
        if (gone.size > 0) await records.drop(gone);
        await store.sweep((hash) => marked.needed.has(hash));
        break;
      }
      const surplus = target === null ? 0 : Math.ceil(checkpoints.length - target.count);
      const going =
        surplus > next.length ? order.filter(({ checkpointId }) => !gone.has(checkpointId)).slice(0, surplus) : next;
      for (const { checkpointId } of going) gone.add(checkpointId);
    }
    if (gone.size === 0) return;
    log('info', 'Checkpoints were dropped for want of room.', { count: gone.size });
    const ids = [...gone];
    for (let at = 0; at < ids.length; at += maxDropped)
      await propose({ type: 'checkpoint.dropped', checkpointIds: ids.slice(at, at + maxDropped) });
  };

  const differencesOf = async (from: Hash, to: Hash) => {
    const counts = { added: 0, modified: 0, deleted: 0 };
    const changes: RewindChange[] = [];
    await eachDifference(store, { from, to, breath: createBreath(signal) }, (difference) => {
      const change = changeOf(difference);
      counts[change.change === 'mode' ? 'modified' : change.change] += 1;
      if (changes.length < maxChanges) changes.push(change);
    });
    return { counts, changes };
  };

  /** What a restore or another session will read, looked for before anything is touched. */
  const requireWhole = async (root: Hash): Promise<ReadonlySet<Hash>> => {
    const { needed } = await markNeeded(store, { checkpoints: [], roots: [root] }, createBreath(signal));
    if (!needed.has(root) || [...needed].some((hash) => !store.has(hash))) throw damaged();
    return needed;
  };

  const remember = (root: Hash): void => {
    roots = [...roots.filter((one) => one !== root), root].slice(-rememberedRoots);
  };

  /** A checkpoint's tree as it is to be compared with what is there now. */
  const treeOf = async (checkpoint: Checkpoint, now: Hash) => {
    const told = await tellUnnamed(store, { checkpoint, now, breath: createBreath(signal) });
    remember(told.root);
    return told;
  };

  const put = async (checkpoint: Checkpoint): Promise<RestoreResult> => {
    const now = await capture();
    await requireWhole(ofHex(checkpoint.tree));
    const { root: to, isUnsure } = await treeOf(checkpoint, now.root);
    const { counts } = await differencesOf(now.root, to);
    const options = { tree, objects: store, signal };
    try {
      const { left: met } = await restoreTree({ ...options, from: now.root, to });
      const after = await capture();
      // What neither tree holds may differ, and the trees are equal all the same.
      const unknown = after.skipped.count === 0 ? [] : await unknownIn(store, after.root, createBreath(signal));
      const left = [...new Set([...met, ...unknown.map((path) => path.slice(0, maxLeftPath))])].slice(0, maxLeft);
      return { counts, left, isExact: after.root === to && unknown.length === 0 && !isUnsure };
    } catch (error) {
      if (signal.aborted) throw error;
      log('warn', 'A rewind of files failed and is taken back.', { cause: String(error) });
      const half = await capture();
      await restoreTree({ ...options, from: half.root, to: now.root });
      throw error;
    }
  };

  return {
    ...createTransfer({ store, inTurn, requireWhole, remember, maxBytes: limits.maxBytes * (1 + smallShare), signal }),
    take: (purpose, options = {}) =>
      inTurn(async () => {
        const { root, files, folders, bytes, skipped, leftOut } = await capture();
        const taken: Checkpoint = {
          checkpointId: randomUUID() as CheckpointId,
          tree: hexOf(root),
          ...purpose,
          messageIds: purpose.messageIds.slice(0, 100),
          at: new Date().toISOString(),
          files,
          folders,
          bytes,
          skipped,
          leftOut,
        };
        const { pinned } = options;
        await records.add(taken, pinned === undefined ? undefined : [pinned, taken.checkpointId]);
        await propose({ type: 'checkpoint.taken', ...taken }, options.commandIds);
        await collect().catch((error: unknown) => {
          if (!signal.aborted) log('warn', 'Old checkpoints could not be removed.', { cause: String(error) });
        });
        return taken;
      }),
    list: () => records.all,
    compare: (to) =>
      inTurn(async () => {
        const now = await capture();
        const { root } = await treeOf(to, now.root);
        const { counts, changes } = await differencesOf(now.root, root);
        return { from: hexOf(now.root), to: hexOf(root), takenAt: to.at, counts, changes, skipped: now.skipped };
      }),
    diff: ({ from, to, path }) =>
      inTurn(async () => {
        const text = (root: string): { text: string | null; isShown: boolean } => {
          const entry = entryAt(store, ofHex(root), path);
          if (entry === null || entry.kind === 'folder') return { text: null, isShown: true };
          if (entry.kind === 'skipped' || entry.kind === 'chunked' || entry.size > maxDiffBytes)
            return { text: null, isShown: false };
          const bytes = store.read(entry.hash);
          const isText = !bytes.includes(0);
          return { text: isText ? bytes.toString() : null, isShown: isText };
        };
        const [now, rewound] = [text(from), text(to)];
        return { now: now.text, rewound: rewound.text, shown: now.isShown && rewound.isShown };
      }),
    restore: (to) =>
      inTurn(async () => {
        const restored = await put(to);
        await records.unpin(to.checkpointId);
        return restored;
      }),
    holding: (work) => tree.gate.alone(work),
    warm: () =>
      void inTurn(capture).catch((error: unknown) =>
        log('warn', 'The work tree could not be looked at.', { cause: String(error) }),
      ),
    close: async () => {
      closing.abort(new Error('The session is ending.'));
      await working;
      store.close();
    },
  };
};

const ignore = (): void => undefined;

const damaged = (): AppError =>
  new AppError('conflict', {
    message: 'This checkpoint is damaged on the disk and cannot be used. Nothing was changed; choose another one.',
  });

const changeOf = ({ path, before, after }: Difference): RewindChange => {
  const shown = after ?? before;
  const sizeOf = (entry: Difference['after']): number | null => entry?.size ?? null;
  return {
    path: shownPath(path),
    kind: shown?.kind === 'folder' ? 'folder' : shown?.kind === 'link' ? 'link' : 'file',
    change:
      before === null
        ? 'added'
        : after === null
          ? 'deleted'
          : before.hash === after.hash && before.kind === after.kind
            ? 'mode'
            : 'modified',
    sizeNow: sizeOf(before),
    sizeThen: sizeOf(after),
  };
};
