/**
 * The one way into the work tree. A path is walked component by component from a descriptor of the root, each opened with
 * O_NOFOLLOW in the descriptor of the one before (`/proc/self/fd/N/name`), links resolved by hand; so there is no moment in
 * which a rename or a swapped link could lead elsewhere. It does not know what is done with what it finds.
 *
 * A walk is synchronous: it holds at most its own descriptors, touches metadata only (O_PATH), and takes microseconds.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  type BigIntStats,
} from 'node:fs';

import { AppError } from '@remote-claude/contract';

import { asAppError, codeOf } from './failures.js';
import { createGate, type Gate } from './gate.js';

/** Linux's O_PATH, which Node does not name: a descriptor of the thing itself, which opens nothing. */
export const openPath = 0x20_0000;
const lookFlags = openPath | constants.O_NOFOLLOW;
const maxLinks = 40;
const maxDepth = 500;

/** What a path leads to. The descriptors are the holder's to close, by `release`. */
export interface Found {
  /** Folder that holds it; -1 for the root. */
  parent: number;
  /** Its name there, as bytes. */
  name: Buffer;
  /** The thing itself (O_PATH); -1 where there is nothing of that name. */
  self: number;
  stat: BigIntStats | null;
  release(): void;
}

export interface WalkOptions {
  /** Whether a link at the end of the path stands for what it points to. Links on the way always do. */
  follow: boolean;
  /** Make the folders that are missing on the way. */
  makeFolders?: boolean;
}

export interface WorkTree {
  walk(path: string, options: WalkOptions): Found;
  /** As `walk`, for the length of a call, with errors made presentable. */
  within<T>(path: string, options: WalkOptions, use: (found: Found) => Promise<T> | T): Promise<T>;
  /** What people change here goes through it, and so does who puts the whole tree back. */
  readonly gate: Gate;
  close(): void;
}

/** Address of a name in a folder's descriptor. The name is bytes: it need not be UTF-8. */
export const inFolder = (folder: number, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]);
/** Address of exactly what a descriptor holds. */
export const itself = (descriptor: number): string => `/proc/self/fd/${descriptor}`;

const replacement = '\ufffd';

/** A name that is not UTF-8 is shown with replacement characters; this finds the one that is shown so. */
const rawName = (folder: number, shown: string): Buffer => {
  const plain = Buffer.from(shown);
  if (!shown.includes(replacement)) return plain;
  const matches = readdirSync(itself(folder), { encoding: 'buffer' }).filter((name) => name.toString() === shown);
  if (matches.length > 1)
    throw new AppError('conflict', { message: 'Several names look like this one; rename them in a terminal.' });
  return matches[0] ?? plain;
};

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

const refuse = (): AppError => new AppError('path_refused');

/** The parts of an absolute link below the root, as the session sees it; null where it leads elsewhere. */
const below = (roots: readonly string[][], target: string): string[] | null => {
  const parts = partsOf(target);
  const root = roots.find((one) => one.every((part, index) => parts[index] === part));
  return root ? parts.slice(root.length) : null;
};

interface Step {
  part: string;
  /** From a link's target, where `..` is allowed as long as it stays below the root. */
  fromLink: boolean;
}

/** What is written in a link; null for what is none. */
const linkText = (address: Buffer): string | null => {
  try {
    return readlinkSync(address, { encoding: 'buffer' }).toString();
  } catch (error) {
    if (codeOf(error) === 'EINVAL') return null;
    throw error;
  }
};

/** One walk: the folders on the way are open until it ends. */
const createWalk = (root: number, roots: readonly string[][], options: WalkOptions) => {
  const folders: number[] = [root];
  let links = 0;
  const top = (): number => folders.at(-1) ?? root;
  const up = (): void => {
    const folder = folders.length > 1 ? folders.pop() : undefined;
    if (folder === undefined) throw refuse();
    closeSync(folder);
  };

  const open = (name: Buffer, last: boolean): number => {
    for (let made = false; ; made = true) {
      try {
        return openSync(inFolder(top(), name), lookFlags);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
        if (last) return -1;
        if (!options.makeFolders || made) throw error;
        try {
          mkdirSync(inFolder(top(), name));
        } catch (failure) {
          if (codeOf(failure) !== 'EEXIST') throw failure;
        }
      }
    }
  };

  const target = (name: Buffer, step: Step): Step[] => {
    if ((links += 1) > maxLinks)
      throw new AppError('not_found', { message: 'The links on this path lead in a circle.' });
    const text = linkText(inFolder(top(), name));
    // Something else bears the name by now: it is looked at anew.
    if (text === null) return [step];
    let parts: string[] | null = partsOf(text);
    if (text.startsWith('/')) {
      parts = below(roots, text);
      if (!parts) throw refuse();
      while (folders.length > 1) up();
    }
    return parts.map((part) => ({ part, fromLink: true }));
  };

  const closeAll = (keep: number): void => {
    for (const folder of folders) if (folder !== root && folder !== keep) closeSync(folder);
    folders.length = 1;
  };

  return { folders, top, up, open, target, closeAll };
};

const found = (parent: number, name: Buffer, self: number, root: number): Found => ({
  parent,
  name,
  self,
  stat: self < 0 ? null : fstatSync(self, { bigint: true }),
  release() {
    if (self >= 0 && self !== root) closeSync(self);
    if (parent >= 0 && parent !== root) closeSync(parent);
  },
});

export const createWorkTree = (workspace: string): WorkTree => {
  const root = openSync(workspace, openPath | constants.O_DIRECTORY);
  const roots = [partsOf(workspace), partsOf(realpathSync(workspace))];

  const walk = (path: string, options: WalkOptions): Found => {
    if (path.includes('\0') || path.startsWith('/')) throw refuse();
    const walker = createWalk(root, roots, options);
    const { folders, top, up, open, target, closeAll } = walker;
    let steps: Step[] = partsOf(path).map((part) => ({ part, fromLink: false }));
    try {
      for (let step = steps.shift(); step; step = steps.shift()) {
        if (step.part === '..') {
          if (!step.fromLink) throw refuse();
          up();
          continue;
        }
        const last = steps.length === 0;
        const name = rawName(top(), step.part);
        const self = open(name, last);
        if (self < 0) return finish(name, self);
        const stat = fstatSync(self);
        if (stat.isSymbolicLink() && (!last || options.follow)) {
          closeSync(self);
          steps = [...target(name, step), ...steps];
        } else if (last) return finish(name, self);
        else if (stat.isDirectory() && folders.length <= maxDepth) folders.push(self);
        else {
          closeSync(self);
          throw new AppError('not_found', { message: 'A part of this path is not a folder.' });
        }
      }
      // The root, or a link whose last step was up.
      const self = folders.pop() ?? root;
      closeAll(self);
      return found(-1, Buffer.alloc(0), self, root);
    } catch (error) {
      closeAll(-1);
      throw asAppError(error);
    }

    function finish(name: Buffer, self: number): Found {
      const parent = top();
      closeAll(parent);
      return found(parent, name, self, root);
    }
  };

  return {
    walk,
    async within(path, options, use) {
      const place = walk(path, options);
      try {
        return await use(place);
      } catch (error) {
        throw asAppError(error);
      } finally {
        place.release();
      }
    },
    gate: createGate(),
    close: () => closeSync(root),
  };
};
