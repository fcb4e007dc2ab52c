import { describe, expect, it } from 'vitest';
import type { FileNode } from '@remote-claude/contract';

import {
  applyChanges,
  emptyTree,
  failed,
  findByPrefix,
  isShown,
  liesIn,
  loaded,
  loading,
  moveBy,
  nameOf,
  nameProblem,
  parentOf,
  setExpanded,
  visibleRows,
  type Tree,
} from './tree';

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
const folder = (path: string): FileNode => node(path, 'folder');
const seen = (tree: Tree): string[] =>
  visibleRows(tree).map((row) => `${'·'.repeat(row.level - 1)}${row.kind === 'node' ? row.path : row.kind}`);

const open = (): Tree => {
  let tree = loaded(emptyTree, '', [folder('src'), node('a.txt')]);
  tree = setExpanded(tree, 'src', true);
  return loaded(tree, 'src', [folder('src/lib'), node('src/main.ts')]);
};

describe('rows', () => {
  it('are what is open, in order, with words where a folder has nothing to show', () => {
    expect(seen(emptyTree)).toEqual(['loading']);
    expect(seen(open())).toEqual(['src', '·src/lib', '·src/main.ts', 'a.txt']);
    const deeper = setExpanded(open(), 'src/lib', true);
    expect(seen(deeper)).toEqual(['src', '·src/lib', '··loading', '·src/main.ts', 'a.txt']);
    expect(seen(loaded(deeper, 'src/lib', []))).toContain('··empty');
    expect(seen(failed(deeper, 'src/lib', 'no'))).toContain('··failed');
    expect(seen(setExpanded(open(), 'src', false))).toEqual(['src', 'a.txt']);
  });

  it('keep what is known while a folder is read again', () => {
    expect(seen(loading(open(), 'src'))).toEqual(seen(open()));
  });

  it('stay quick at a hundred thousand entries', () => {
    const tree = loaded(
      emptyTree,
      '',
      Array.from({ length: 100_000 }, (_, index) => node(`file-${index}`)),
    );
    const from = performance.now();
    const rows = visibleRows(tree);
    expect(rows).toHaveLength(100_000);
    expect(rows.at(-1)).toMatchObject({ position: 100_000, siblings: 100_000 });
    expect(performance.now() - from).toBeLessThan(1_000);
  });
});

describe('changes on disk', () => {
  it('take away at once what is gone, with all that was in it', () => {
    const { tree, reread } = applyChanges(open(), [
      { path: 'src', change: 'gone' },
      { path: 'src/main.ts', change: 'gone' },
    ]);
    expect(seen(tree)).toEqual(['a.txt']);
    expect([tree.folders.has('src'), tree.expanded.has('src'), reread]).toEqual([false, false, []]);
  });

  it('read a folder again only for what is new in it', () => {
    const changes = (path: string, change: 'there' | 'gone' = 'there') => applyChanges(open(), [{ path, change }]);
    expect(changes('src/main.ts').reread).toEqual([]);
    expect(changes('src/new.ts').reread).toEqual(['src']);
    expect(changes('new.ts').reread).toEqual(['']);
    expect(changes('src/lib/deep.ts').reread).toEqual([]);
    expect(changes('other/deep.ts').tree).toEqual(open());
  });

  it('look again at what came back, and at a file that became a folder', () => {
    const back = applyChanges(open(), [
      { path: 'a.txt', change: 'gone' },
      { path: 'a.txt', change: 'there' },
    ]);
    expect([seen(back.tree).includes('a.txt'), back.reread]).toEqual([true, ['']]);
    expect(applyChanges(open(), [{ path: 'a.txt/inside', change: 'there' }]).reread).toEqual(['']);
    const gone = applyChanges(open(), [
      { path: 'a.txt', change: 'there' },
      { path: 'a.txt', change: 'gone' },
    ]);
    expect(seen(gone.tree)).not.toContain('a.txt');
  });

  it('forget folders that a new list no longer has', () => {
    const tree = loaded(open(), '', [node('a.txt')]);
    expect([tree.folders.has('src'), tree.expanded.has('src')]).toEqual([false, false]);
  });
});

describe('paths and keys', () => {
  it('know their place', () => {
    expect([parentOf('a'), parentOf('a/b/c'), nameOf('a/b'), nameOf('a')]).toEqual(['', 'a/b', 'b', 'a']);
    expect([liesIn('ab', 'a'), liesIn('a/b', 'a'), liesIn('x', '')]).toEqual([false, true, true]);
    expect([isShown(open(), 'src'), isShown(open(), 'src/lib'), isShown(open(), '')]).toEqual([true, false, true]);
  });

  it('say what is wrong with a name', () => {
    expect(['ok.txt', 'a/b', '.env', '…'].map(nameProblem)).toEqual([null, null, null, null]);
    for (const bad of ['', '  ', '/a', 'a/', 'a//b', '..', 'a/../b', './a', 'a\0', 'é'.repeat(128)])
      expect(nameProblem(bad)).not.toBeNull();
  });

  it('move within the rows, and find a name by its beginning', () => {
    const rows = visibleRows(open());
    expect(['ArrowDown', 'ArrowUp', 'End', 'Home', 'PageDown', 'x'].map((key) => moveBy(rows, 1, key, 2))).toEqual([
      2,
      0,
      3,
      0,
      3,
      null,
    ]);
    expect([findByPrefix(rows, 0, 'MA'), findByPrefix(rows, 3, 'src'), findByPrefix(rows, 0, 'zz')]).toEqual([
      2,
      0,
      null,
    ]);
  });
});
