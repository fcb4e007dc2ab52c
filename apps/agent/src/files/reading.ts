/** Looks at the work tree: one file or folder, one level, one content. It changes nothing but the leftovers of cut-off saves. */
import { constants, fstatSync, lstatSync, openSync, readlinkSync, unlinkSync, type BigIntStats } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { setImmediate as nextRound } from 'node:timers/promises';

import { AppError, type FileNode } from '@remote-claude/contract';

import { codeOf } from './failures.js';
import { inOrder, nodeOf, tidy } from './node.js';
import { isSaving, mayBeLeftover } from './saving.js';
import { inFolder, itself, openPath, type Found, type WorkTree } from './work-tree.js';

/** Entries that are looked at before others get their turn: about a millisecond. */
const sliceEntries = 200;

const linkTarget = (folder: number, name: Buffer): string | null => {
  try {
    return readlinkSync(inFolder(folder, name), { encoding: 'buffer' }).toString();
  } catch {
    return null;
  }
};

export const nodeAt = (path: string, place: Found): FileNode => {
  if (!place.stat) throw new AppError('not_found', { message: 'There is no such file or folder.' });
  const target = place.stat.isSymbolicLink() ? linkTarget(place.parent, place.name) : null;
  return nodeOf(tidy(path), place.stat, target);
};

export const statNode = (tree: WorkTree, path: string): Promise<FileNode> =>
  tree.within(path, { follow: false }, (place) => nodeAt(path, place));

/** null where it went away meanwhile. */
const entryAt = (folder: number, name: Buffer, above: string): FileNode | null => {
  try {
    const stat: BigIntStats = lstatSync(inFolder(folder, name), { bigint: true });
    const target = stat.isSymbolicLink() ? linkTarget(folder, name) : null;
    const shown = name.toString();
    return nodeOf(above === '' ? shown : `${above}/${shown}`, stat, target);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
};

export const listNodes = (tree: WorkTree, path: string): Promise<FileNode[]> =>
  tree.within(path, { follow: true }, async (place) => {
    if (!place.stat) throw new AppError('not_found', { message: 'There is no such folder.' });
    if (!place.stat.isDirectory()) throw new AppError('wrong_kind', { message: 'This is not a folder.' });
    const names = await readdir(itself(place.self), { encoding: 'buffer' });
    const above = tidy(path);
    const nodes: FileNode[] = [];
    for (const [index, name] of names.entries()) {
      if (index % sliceEntries === sliceEntries - 1) await nextRound();
      if (mayBeLeftover(name)) {
        if (!isSaving(name)) removeLeftover(place.self, name);
        continue;
      }
      const node = entryAt(place.self, name, above);
      if (node) nodes.push(node);
    }
    return inOrder(nodes);
  });

/** A save that a kill cut off leaves its temporary file; nothing else bears such a name. */
const removeLeftover = (folder: number, name: Buffer): void => {
  try {
    unlinkSync(inFolder(folder, name));
  } catch {
    // It is hidden all the same, and tried again next time.
  }
};

export interface OpenFile {
  /** The caller closes it. */
  handle: FileHandle;
  node: FileNode;
}

/** Opens a file's content. Devices, pipes and sockets are refused before they are opened. */
export const openFile = (tree: WorkTree, path: string): Promise<OpenFile> =>
  tree.within(path, { follow: true }, async (place) => {
    if (!place.stat) throw new AppError('not_found', { message: 'There is no such file.' });
    if (!place.stat.isFile()) throw new AppError('wrong_kind', { message: 'This is not a file with content.' });
    const handle = await open(itself(place.self), constants.O_RDONLY | constants.O_NONBLOCK);
    return { handle, node: nodeOf(tidy(path), fstatSync(handle.fd, { bigint: true }), null) };
  });

/** A folder for a child process to start in: its descriptor, which the caller closes. */
export const openFolder = (tree: WorkTree, path: string): Promise<number> =>
  tree.within(path, { follow: true }, (place) => {
    if (!place.stat) throw new AppError('not_found', { message: 'There is no such folder.' });
    if (!place.stat.isDirectory()) throw new AppError('wrong_kind', { message: 'This is not a folder.' });
    return openSync(itself(place.self), openPath | constants.O_DIRECTORY);
  });
