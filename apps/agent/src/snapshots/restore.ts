/**
 * Makes the work tree what a tree of the store says, beginning from what a capture has just seen. Only what differs is
 * touched; a name that either side does not hold (left out, skipped) is neither changed nor deleted. Everything happens by name
 * in descriptors that are no links', so nothing outside of the work tree is written.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { open } from 'node:fs/promises';

import { codeOf, inFolder, itself, openPath, syncFolder, temporaryName, type WorkTree } from '../files/index.js';
import { createBreath } from './breath.js';
import { entriesOf, isEqual, isUnknown, shownPath, type Objects } from './differences.js';
import { decodeChunks, isSpecial, type Entry, type Hash } from './objects.js';

export interface Restored {
  /** What stays as it is, since it or something in it is not kept. No more than a few. */
  left: string[];
}

export interface RestoreOptions {
  tree: WorkTree;
  objects: Objects;
  /** What the work tree is now. */
  from: Hash;
  to: Hash;
  signal: AbortSignal;
}

export const maxLeft = 20;
export const maxLeftPath = 2_000;
const folderFlags = openPath | constants.O_NOFOLLOW | constants.O_DIRECTORY;
const ownerMay = 0o700;

export const restoreTree = async ({ tree, objects, from, to, signal }: RestoreOptions): Promise<Restored> => {
  const breath = createBreath(signal);
  const left: string[] = [];
  const path: string[] = [];
  const bytesOf = (name: string): Buffer => Buffer.from(name, 'latin1');
  const stays = (name: string): void => {
    if (left.length < maxLeft) left.push(shownPath([...path, name]).slice(0, maxLeftPath));
  };

  /** Works in a folder that its owner may change, and leaves it with the mode that it is to have. */
  const inside = async (
    folder: number,
    { name, mode }: Pick<Entry, 'name' | 'mode'>,
    work: (descriptor: number) => Promise<void>,
  ): Promise<void> => {
    const descriptor = openSync(inFolder(folder, bytesOf(name)), folderFlags);
    path.push(name);
    try {
      const current = Number(fstatSync(descriptor).mode) & 0o7777;
      if ((current & ownerMay) !== ownerMay) chmodSync(itself(descriptor), current | ownerMay);
      await work(descriptor);
      if ((Number(fstatSync(descriptor).mode) & 0o7777) !== mode) chmodSync(itself(descriptor), mode);
    } finally {
      path.pop();
      closeSync(descriptor);
    }
  };

  /** False where something that is not known keeps a folder from going. */
  const remove = async (folder: number, entry: Entry): Promise<boolean> => {
    await breath();
    const address = inFolder(folder, bytesOf(entry.name));
    if (entry.kind === 'skipped') {
      stays(entry.name);
      return false;
    }
    try {
      if (entry.kind !== 'folder') {
        unlinkSync(address);
        return true;
      }
      let isEmpty = true;
      await inside(folder, entry, async (descriptor) => {
        for (const inner of entriesOf(objects, entry.hash).values()) {
          if (!(await remove(descriptor, inner))) isEmpty = false;
        }
      });
      if (isEmpty) rmdirSync(address);
      return isEmpty;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return true;
      if (!['ENOTEMPTY', 'EISDIR', 'EEXIST', 'ENOTDIR', 'ELOOP'].includes(codeOf(error) ?? '')) throw error;
      stays(entry.name);
      return false;
    }
  };

  const writeContent = async (address: Buffer, entry: Entry): Promise<void> => {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const handle = await open(address, flags, 0o600);
    try {
      const chunks = entry.kind === 'chunked' ? decodeChunks(objects.read(entry.hash)) : [entry.hash];
      for (const hash of chunks) {
        const chunk = objects.read(hash);
        for (let done = 0; done < chunk.length;) done += (await handle.write(chunk, done)).bytesWritten;
        await breath();
      }
      await handle.chmod(entry.mode);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  };

  /** A file or a link takes its name in one step; where a folder is in the way that must stay, it does not. */
  const put = async (folder: number, entry: Entry): Promise<void> => {
    const temporary = temporaryName();
    const address = inFolder(folder, temporary.name);
    try {
      if (entry.kind === 'link') symlinkSync(objects.read(entry.hash), address);
      else await writeContent(address, entry);
      renameSync(address, inFolder(folder, bytesOf(entry.name)));
    } catch (error) {
      try {
        unlinkSync(address);
      } catch {
        // It was never made.
      }
      if (!['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error;
      stays(entry.name);
    } finally {
      temporary.release();
    }
  };

  /** True where the mode was all that differed and is right now. */
  const onlyMode = (folder: number, was: Entry | null, entry: Entry): boolean => {
    if (was === null || was.hash !== entry.hash || was.kind !== entry.kind) return false;
    const descriptor = openSync(inFolder(folder, bytesOf(entry.name)), openPath | constants.O_NOFOLLOW);
    try {
      if (!fstatSync(descriptor).isFile()) return false;
      chmodSync(itself(descriptor), entry.mode);
      return true;
    } finally {
      closeSync(descriptor);
    }
  };

  /** What the capture did not see and is there all the same is kept nowhere. */
  const isTaken = (folder: number, name: string): boolean =>
    lstatSync(inFolder(folder, bytesOf(name)), { throwIfNoEntry: false }) !== undefined;

  /** False where something else has the name. */
  const makeFolder = (folder: number, name: string): boolean => {
    const address = inFolder(folder, bytesOf(name));
    try {
      mkdirSync(address, ownerMay);
      return true;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      return lstatSync(address).isDirectory();
    }
  };

  const place = async (folder: number, was: Entry | null, entry: Entry): Promise<void> => {
    if (was !== null && was.kind !== entry.kind && [was.kind, entry.kind].includes('folder')) {
      if (!(await remove(folder, was))) return;
      was = null;
    }
    if (entry.kind !== 'folder') {
      if (was === null && isTaken(folder, entry.name)) stays(entry.name);
      else if (!onlyMode(folder, was, entry)) await put(folder, entry);
      return;
    }
    if (was === null && !makeFolder(folder, entry.name)) {
      stays(entry.name);
      return;
    }
    const known = was?.hash ?? null;
    await inside(folder, entry, (descriptor) => contents(descriptor, known, entry.hash));
  };

  const contents = async (descriptor: number, have: Hash | null, want: Hash): Promise<void> => {
    if (have === want) return;
    const old = entriesOf(objects, have);
    const fresh = entriesOf(objects, want);
    for (const entry of old.values()) if (!fresh.has(entry.name)) await remove(descriptor, entry);
    for (const entry of fresh.values()) {
      await breath();
      const was = old.get(entry.name) ?? null;
      if (isUnknown(was, entry)) {
        if (!(was !== null && isSpecial(was) && isSpecial(entry)) && isTaken(descriptor, entry.name)) stays(entry.name);
      } else if (!isEqual(was, entry)) await place(descriptor, was, entry);
    }
    await syncFolder(descriptor);
  };

  await tree.within('', { follow: false }, (root) => contents(root.self, from, to));
  return { left };
};
