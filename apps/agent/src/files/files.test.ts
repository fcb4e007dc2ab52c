import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { AppError } from '@remote-claude/contract';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createFiles, type Files } from './index.js';

let base = '';
let tree = '';
let files: Files;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'files-'));
  tree = join(base, 'tree');
  await mkdir(join(tree, 'src/deep'), { recursive: true });
  await writeFile(join(base, 'secret'), 'SECRET');
  await writeFile(join(tree, 'a.txt'), 'hello');
  await writeFile(join(tree, 'src/deep/b.txt'), 'deep');
  files = await createFiles({ workspace: tree, stateDir: join(base, 'state'), log: () => {} });
});
afterEach(async () => {
  await files.close();
  await rm(base, { recursive: true, force: true });
});

const read = async (path: string): Promise<string> => {
  const { handle } = await files.open(path);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
};
const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: AppError) => error.code ?? String(error),
  );
const save = (path: string, text: string, ifMatch: string | null) => files.save(path, [Buffer.from(text)], { ifMatch });

test('no path leads out', async () => {
  await symlink(base, join(tree, 'out'));
  await symlink('../secret', join(tree, 'up'));
  await symlink('/etc/passwd', join(tree, 'absolute'));
  await symlink('src/deep', join(tree, 'inside'));
  await symlink(join(tree, 'a.txt'), join(tree, 'absolute-inside'));
  await symlink('deep/../deep/b.txt', join(tree, 'src/dots'));
  await symlink('../../../secret', join(tree, 'src/deep/far'));
  await symlink('nowhere', join(tree, 'dangling'));
  await symlink('loop-b', join(tree, 'loop-a'));
  await symlink('loop-a', join(tree, 'loop-b'));
  await symlink('/proc/self/root/etc/passwd', join(tree, 'proc'));
  await symlink('..', join(tree, 'parent'));
  await symlink(`${tree}/../secret`, join(tree, 'tricky'));
  execFileSync('mkfifo', [join(tree, 'pipe')]);
  const table: Record<string, string> = {
    '../secret': 'path_refused',
    'src/../../secret': 'path_refused',
    '/etc/passwd': 'path_refused',
    'a.txt\0b': 'path_refused',
    'out/secret': 'path_refused',
    up: 'path_refused',
    absolute: 'path_refused',
    proc: 'path_refused',
    parent: 'path_refused',
    tricky: 'path_refused',
    'src/deep/far': 'path_refused',
    dangling: 'not_found',
    'loop-a': 'not_found',
    'a.txt/b': 'not_found',
    'missing/b': 'not_found',
    pipe: 'wrong_kind',
    src: 'wrong_kind',
    '': 'wrong_kind',
    ['x'.repeat(300)]: 'validation_failed',
    'inside/b.txt': 'ok',
    'absolute-inside': 'ok',
    'src/dots': 'ok',
    'a.txt': 'ok',
    '//src///deep//b.txt': 'path_refused',
    'src//deep/./b.txt': 'ok',
  };
  for (const [path, code] of Object.entries(table)) {
    const opened = files.open(path).then(({ handle }) => handle.close());
    expect([path.slice(0, 40), await codeOf(opened)]).toEqual([path.slice(0, 40), code]);
  }
  expect(await codeOf(save('out/new', 'x', null))).toBe('path_refused');
  expect(await codeOf(files.mkdir('out/folder'))).toBe('path_refused');
  expect(await codeOf(files.mkdir('parent/folder/x'))).toBe('path_refused');
  expect(await codeOf(files.move('a.txt', 'out/a.txt'))).toBe('path_refused');
  expect(await codeOf(files.remove('out/secret', true))).toBe('path_refused');
  expect(await codeOf(files.remove('', true))).toBe('path_refused');
  await files.remove('out', true);
  expect(await readFile(join(base, 'secret'), 'utf8')).toBe('SECRET');
  expect((await readdir(base)).toSorted()).toEqual(['secret', 'state', 'tree']);
});

test('devices are refused without being opened', async () => {
  if (process.getuid?.() !== 0) return expect(process.getuid?.()).not.toBe(0);
  execFileSync('mknod', [join(tree, 'zero'), 'c', '1', '5']);
  expect(await codeOf(files.open('zero'))).toBe('wrong_kind');
});

test('lists folders first, as people count, with links as links', async () => {
  for (const name of ['file10', 'file9', 'File2', 'z']) await writeFile(join(tree, name), name);
  await symlink('../secret', join(tree, 'link'));
  await writeFile(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0x62, 0xff, 0x63])]), 'binary name');
  const nodes = await files.list('');
  expect(nodes.map((node) => node.name)).toEqual(['src', 'a.txt', 'b\ufffdc', 'File2', 'file9', 'file10', 'link', 'z']);
  expect(nodes.find((node) => node.name === 'link')).toMatchObject({ kind: 'link', target: '../secret', etag: null });
  expect((await files.list('src/deep'))[0]).toMatchObject({ path: 'src/deep/b.txt', kind: 'file', size: 4 });
  expect(await read('b\ufffdc')).toBe('binary name');
  await files.move('b\ufffdc', 'named');
  expect(await read('named')).toBe('binary name');
  expect(await codeOf(files.list('a.txt'))).toBe('wrong_kind');
  expect(await codeOf(files.list('none'))).toBe('not_found');
});

test('twenty thousand entries are listed without holding others up', async () => {
  await mkdir(join(tree, 'many'));
  execFileSync('bash', ['-c', 'cd "$1" && seq -f "file%g" 1 20000 | xargs touch', '-', join(tree, 'many')]);
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const nodes = await files.list('many');
  clearInterval(timer);
  expect(nodes).toHaveLength(20_000);
  expect(nodes[19_999]?.name).toBe('file20000');
  expect(longest).toBeLessThan(1_000);
});

test('a save replaces the version that it names, and no other', async () => {
  const made = await save('new.txt', 'one', null);
  expect(await codeOf(save('new.txt', 'two', null))).toBe('edit_conflict');
  const second = await save('new.txt', 'two', made.etag);
  expect(second.etag).not.toBe(made.etag);
  expect(second.etag).toBe((await files.stat('new.txt')).etag);
  const conflict = await save('new.txt', 'three', made.etag).catch((error: AppError) => error);
  expect(conflict).toMatchObject({ code: 'edit_conflict', details: { etag: second.etag } });
  expect(await codeOf(save('gone.txt', 'x', made.etag))).toBe('edit_conflict');
  expect(await codeOf(save('src', 'x', null))).toBe('wrong_kind');
  expect(await read('new.txt')).toBe('two');
  const racers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => codeOf(save('new.txt', `racer ${index}`, second.etag))),
  );
  expect(racers.filter((code) => code === 'ok')).toHaveLength(1);
  const makers = await Promise.all(Array.from({ length: 8 }, (_, index) => codeOf(save('made.txt', `${index}`, null))));
  expect(makers.filter((code) => code === 'ok')).toHaveLength(1);
  expect((await readdir(tree)).filter((name) => name.startsWith('.rc'))).toEqual([]);
});

test('a save keeps the mode, goes through links inside, and leaves nothing when its source breaks', async () => {
  await writeFile(join(tree, 'run.sh'), '#!/bin/sh', { mode: 0o750 });
  await symlink('run.sh', join(tree, 'link'));
  const { etag } = await save(
    'link',
    'new',
    (await (await files.open('link')).handle.close(), (await files.stat('run.sh')).etag),
  );
  expect((await stat(join(tree, 'run.sh'))).mode & 0o777).toBe(0o750);
  expect(await readlink(join(tree, 'link'))).toBe('run.sh');
  expect(await read('run.sh')).toBe('new');
  const broken = (async function* () {
    yield Buffer.from('half');
    throw new Error('the line broke');
  })();
  await expect(files.save('run.sh', broken, { ifMatch: etag })).rejects.toThrow('the line broke');
  expect(await read('run.sh')).toBe('new');
  expect((await readdir(tree)).toSorted()).toEqual(['a.txt', 'link', 'run.sh', 'src']);
});

test('leftovers of a save that a kill cut off are hidden and removed', async () => {
  await writeFile(join(tree, '.rc-save-0123456789abcdef'), 'half');
  expect((await files.list('')).map((node) => node.name)).toEqual(['src', 'a.txt']);
  expect(await readdir(tree)).not.toContain('.rc-save-0123456789abcdef');
});

test('makes, moves and deletes; never onto what exists', async () => {
  expect(await files.mkdir('x/y/z')).toMatchObject({ path: 'x/y/z', kind: 'folder' });
  expect(await codeOf(files.mkdir('x/y'))).toBe('already_exists');
  expect(await codeOf(files.mkdir('a.txt'))).toBe('already_exists');
  expect(await codeOf(files.mkdir('a.txt/b'))).not.toBe('ok');
  expect(await files.move('a.txt', 'x/b.txt')).toMatchObject({ path: 'x/b.txt', kind: 'file' });
  expect(await codeOf(files.move('x/b.txt', 'src'))).toBe('already_exists');
  expect(await codeOf(files.move('src', 'x/y'))).toBe('already_exists');
  expect(await codeOf(files.move('x', 'x/y/inside'))).toBe('validation_failed');
  expect(await codeOf(files.move('none', 'other'))).toBe('not_found');
  await files.move('src', 'x/src');
  expect(await read('x/src/deep/b.txt')).toBe('deep');
  expect(await codeOf(files.remove('x', false))).toBe('not_empty');
  await symlink(base, join(tree, 'x/out'));
  await files.remove('x', true);
  expect(await readdir(tree)).toEqual([]);
  expect(await readFile(join(base, 'secret'), 'utf8')).toBe('SECRET');
  expect(await codeOf(files.remove('x', true))).toBe('not_found');
});

test('two seconds of renames and swapped links: nothing leaks', async () => {
  await mkdir(join(base, 'outside/deep'), { recursive: true });
  await writeFile(join(base, 'outside/deep/b.txt'), 'LEAK');
  // Swaps a folder for a link to the outside, and back, as fast as it can.
  const script = `
    const fs = require('node:fs');
    const [tree, outside] = process.argv.slice(1);
    fs.symlinkSync(outside, tree + '/evil');
    process.stdout.write('ready');
    for (;;) {
      fs.renameSync(tree + '/src', tree + '/kept');
      fs.renameSync(tree + '/evil', tree + '/src');
      fs.renameSync(tree + '/src', tree + '/evil');
      fs.renameSync(tree + '/kept', tree + '/src');
    }`;
  const racer = spawn(process.execPath, ['-e', script, tree, join(base, 'outside')], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => racer.stdout.once('data', resolve));
  let good = 0;
  let leaks = 0;
  let refused = 0;
  try {
    const end = performance.now() + 2_000;
    while (performance.now() < end || (good < 2_000 && performance.now() < end + 10_000)) {
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          try {
            const text = await read('src/deep/b.txt');
            if (text === 'LEAK') leaks += 1;
            else good += 1;
          } catch {
            refused += 1;
          }
        }),
      );
      if (good % 16 === 0) await save('src/deep/new.txt', 'mine', null).catch(() => {});
      if (good % 16 === 8) await files.remove('src/deep/new.txt', true).catch(() => {});
    }
  } finally {
    racer.kill('SIGKILL');
    await new Promise((resolve) => racer.once('close', resolve));
  }
  expect(leaks).toBe(0);
  expect(good).toBeGreaterThanOrEqual(2_000);
  expect(refused).toBeGreaterThan(0);
  expect(await readdir(join(base, 'outside/deep'))).toEqual(['b.txt']);
}, 40_000);

test('no descriptor is left behind, whatever went wrong', async () => {
  await symlink('a.txt', join(tree, 'l1'));
  await symlink('../secret', join(tree, 'l2'));
  const count = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
  const round = async (): Promise<void> => {
    for (const path of ['a.txt', 'l1', 'l2', 'none', 'src/deep/b.txt', 'src/none/x', 'a.txt/x', '', 'src']) {
      await read(path).catch(() => {});
      await files.list(path).catch(() => {});
      await files.stat(path).catch(() => {});
      await save(path, 'x', '"wrong"').catch(() => {});
      await files.move(path, 'a.txt').catch(() => {});
      await files.mkdir(path).catch(() => {});
    }
    await files.remove('none', true).catch(() => {});
    await files.remove('src/none', true).catch(() => {});
  };
  await round();
  const before = await count();
  for (let index = 0; index < 20; index += 1) await round();
  expect(await count()).toBeLessThanOrEqual(before + 2);
});

test('a full disk fails clearly and keeps the old file whole', async () => {
  const small = join(base, 'small');
  await mkdir(small);
  if (process.getuid?.() !== 0) return expect(process.getuid?.(), 'mounting a small disk needs root').not.toBe(0);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
  try {
    const full = await createFiles({ workspace: small, stateDir: join(base, 'state2'), log: () => {} });
    const old = await full.save('a', [Buffer.alloc(50_000, 'o')], { ifMatch: null });
    const large = Array.from({ length: 10 }, () => Buffer.alloc(50_000, 'n'));
    expect(await codeOf(full.save('a', large, { ifMatch: old.etag }))).toBe('no_space');
    expect(await readFile(join(small, 'a'), 'utf8')).toBe('o'.repeat(50_000));
    expect(await readdir(small)).toEqual(['a']);
    await full.save('a', [Buffer.from('fits')], { ifMatch: old.etag });
    expect(await readFile(join(small, 'a'), 'utf8')).toBe('fits');
    await full.close();
  } finally {
    execFileSync('umount', ['-l', small]);
  }
});

test('changes on disk are told, without those of git and packages', async () => {
  const seen: string[] = [];
  const stop = await files.watch.subscribe({
    onChanges: (changes) => seen.push(...changes.map(({ path, change }) => `${change} ${path}`)),
    onLost: (reason) => seen.push(reason),
  });
  await mkdir(join(tree, '.git/objects'), { recursive: true });
  await writeFile(join(tree, '.git/objects/x'), 'x');
  await mkdir(join(tree, 'node_modules/a/b'), { recursive: true });
  await writeFile(join(tree, 'node_modules/a/b/c.js'), 'x');
  await save('saved.txt', 'x', null);
  await writeFile(join(tree, 'src/deep/b.txt'), 'again');
  await rm(join(tree, 'a.txt'));
  await vi.waitFor(
    () => expect(seen).toEqual(expect.arrayContaining(['there saved.txt', 'there src/deep/b.txt', 'gone a.txt'])),
    { timeout: 15_000 },
  );
  expect(seen.filter((path) => /\.git\/|node_modules\/|rc-save/.test(path))).toEqual([]);
  stop();
});
