import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FileNode } from '@remote-claude/contract';

import { nameOf, visibleRows } from './tree';
import { createTreeStore } from './tree-store';

const node = (path: string, kind: FileNode['kind'] = 'file'): FileNode => ({
  name: nameOf(path),
  path,
  kind,
  size: 0,
  modifiedAt: '2026-01-01T00:00:00Z',
  mode: 0o644,
  etag: null,
  target: null,
});

/** A disk whose lists can be changed, and that counts how often each folder was read. */
const createDisk = (folders: Record<string, FileNode[]>) => {
  const reads: string[] = [];
  return {
    folders,
    reads,
    list: (path: string): Promise<FileNode[]> => {
      reads.push(path);
      const nodes = folders[path];
      return nodes === undefined ? Promise.reject(new Error('gone')) : Promise.resolve(nodes);
    },
  };
};
const storeOf = (disk: ReturnType<typeof createDisk>, expanded: string[] = []) => {
  const remembered: string[][] = [];
  const store = createTreeStore({
    list: disk.list,
    sentence: String,
    expanded,
    onExpanded: (paths) => remembered.push([...paths]),
  });
  return {
    store,
    remembered,
    names: () => visibleRows(store.view.getState()).map((row) => (row.kind === 'node' ? row.path : row.kind)),
  };
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the live tree', () => {
  it('reads what was open at the last visit, level by level', async () => {
    const disk = createDisk({ '': [node('a', 'folder')], a: [node('a/b', 'folder')], 'a/b': [node('a/b/c')] });
    const { store, names } = storeOf(disk, ['a', 'a/b']);
    store.changed(null);
    await vi.advanceTimersByTimeAsync(0);
    expect(names()).toEqual(['a', 'a/b', 'a/b/c']);
    expect(disk.reads).toEqual(['', 'a', 'a/b']);
  });

  it('gathers a burst of changes into one read, and leaves unseen folders alone', async () => {
    const disk = createDisk({ '': [node('a', 'folder')], a: [] });
    const { store, names } = storeOf(disk);
    await store.read('');
    store.expand('a');
    await vi.advanceTimersByTimeAsync(0);
    disk.reads.length = 0;
    disk.folders['a'] = [node('a/1'), node('a/2')];
    for (const path of ['a/1', 'a/2', 'a/1']) store.changed([{ path, change: 'there' }]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(disk.reads).toEqual(['a']);
    expect(names()).toEqual(['a', 'a/1', 'a/2']);

    store.collapse('a');
    store.changed([{ path: 'a/3', change: 'there' }]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(disk.reads).toEqual(['a']);
    disk.folders['a'] = [node('a/3')];
    store.expand('a');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(names()).toEqual(['a', 'a/3']);
  });

  it('says what went wrong with a folder, and remembers what is open', async () => {
    const disk = createDisk({ '': [node('a', 'folder')] });
    const { store, names, remembered } = storeOf(disk);
    await store.read('');
    store.expand('a');
    await vi.advanceTimersByTimeAsync(0);
    expect(names()).toEqual(['a', 'failed']);
    disk.folders['a'] = [node('a/1')];
    await store.read('a');
    expect(names()).toEqual(['a', 'a/1']);
    expect(remembered).toEqual([['a']]);
  });
});
