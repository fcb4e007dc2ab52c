/** Everything that can be done with a work tree, in one value. It does not know HTTP or sockets. */
import { mkdir } from 'node:fs/promises';

import type { FileNode } from '@remote-claude/contract';

import type { Log } from '../parts.js';
import { deleteNode, makeFolder, moveNode } from './changing.js';
import { listNodes, openFile, statNode, type OpenFile } from './reading.js';
import { saveFile, type Content, type SaveOptions } from './saving.js';
import { createUploads, type Uploads } from './uploads.js';
import { createFilesWatch, type FilesWatch } from './watch.js';
import { createWorkTree, type WorkTree } from './work-tree.js';

export interface FilesOptions {
  workspace: string;
  stateDir: string;
  log: Log;
  uploadExpiryMs?: number;
}

/** Paths are the contract's `treePath`. All throw `AppError`s: path_refused, not_found, wrong_kind, forbidden, no_space … */
export interface Files {
  list(path: string): Promise<FileNode[]>;
  /** Of a link: the link itself. */
  stat(path: string): Promise<FileNode>;
  /** The caller closes the handle. */
  open(path: string): Promise<OpenFile>;
  /** `ifMatch`: the etag that is replaced, or null for a file that must not exist; else `edit_conflict` with the current etag. */
  save(path: string, content: Content, options: SaveOptions): Promise<FileNode>;
  /** A folder with content needs `recursive`. A link is deleted, never what it points to. */
  remove(path: string, recursive: boolean): Promise<void>;
  mkdir(path: string): Promise<FileNode>;
  /** Never onto something that exists. */
  move(path: string, to: string): Promise<FileNode>;
  readonly uploads: Uploads;
  readonly watch: FilesWatch;
  readonly tree: WorkTree;
  close(): Promise<void>;
}

const dayMs = 24 * 3_600_000;

export const createFiles = async ({
  workspace,
  stateDir,
  log,
  uploadExpiryMs = dayMs,
}: FilesOptions): Promise<Files> => {
  await mkdir(workspace, { recursive: true });
  const tree = createWorkTree(workspace);
  const uploads = await createUploads({ tree, stateDir, expiryMs: uploadExpiryMs, log });
  const watch = createFilesWatch(workspace, log);
  return {
    list: (path) => listNodes(tree, path),
    stat: (path) => statNode(tree, path),
    open: (path) => openFile(tree, path),
    save: (path, content, options) => saveFile(tree, path, content, options),
    remove: (path, recursive) => tree.gate.shared(() => deleteNode(tree, path, recursive)),
    mkdir: (path) => tree.gate.shared(() => makeFolder(tree, path)),
    move: (path, to) => moveNode(tree, path, to),
    uploads,
    watch,
    tree,
    async close() {
      await uploads.close();
      await watch.close();
      tree.close();
    },
  };
};
