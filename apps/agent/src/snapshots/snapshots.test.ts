/** The store of checkpoints on a real folder: what is kept, what comes back, and what a hostile tree cannot do. */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import type { AgentEvent, Checkpoint } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createWorkTree } from '../files/work-tree.js';
import { accountOf } from '../testing/account.js';
import { scratchFolder } from '../testing/scratch.js';
import { decodeFolder, encodeFolder, hexOf, ofHex } from './objects.js';
import { createObjectStore } from './store.js';
import { createSnapshots, type Snapshots, type SnapshotsDeps } from './snapshots.js';

// Every checkpoint is synced to the disk, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

let scratch: ReturnType<typeof scratchFolder>;
let workspace: string;
let events: AgentEvent[];
let tree: ReturnType<typeof createWorkTree>;
let snapshots: Snapshots;

const open = (limits: SnapshotsDeps['limits'] = {}): Snapshots =>
  createSnapshots({
    tree,
    stateDir: join(scratch.path, 'state'),
    propose: async (event) => void events.push(event),
    log: () => undefined,
    limits,
  });
const take = (): Promise<Checkpoint> => snapshots.take({ reason: 'before-turn', turnId: null, messageIds: [] });
const at = (path: string): string => join(workspace, path);
const write = (path: string, content: string | Buffer): void => {
  mkdirSync(join(at(path), '..'), { recursive: true });
  writeFileSync(at(path), content);
};
const account = (): string => accountOf(workspace);

beforeEach(() => {
  scratch = scratchFolder();
  workspace = join(scratch.path, 'workspace');
  mkdirSync(workspace);
  events = [];
  tree = createWorkTree(workspace);
  snapshots = open();
});
afterEach(async () => {
  await snapshots.close();
  tree.close();
  scratch.remove();
});

describe('a checkpoint', () => {
  it('brings everything back as it was, and forth again', async () => {
    write('src/a.txt', 'one\n');
    write('src/deep/b.txt', 'two\n');
    write('run.sh', '#!/bin/sh\n');
    chmodSync(at('run.sh'), 0o755);
    mkdirSync(at('empty'));
    symlinkSync('src/a.txt', at('link'));
    symlinkSync('/etc/passwd', at('outside'));
    write('big.bin', Buffer.alloc(3 * 1024 * 1024 + 17, 'x'));
    const before = await take();
    const first = account();

    write('src/a.txt', 'changed\n');
    rmSync(at('src/deep'), { recursive: true });
    rmSync(at('empty'), { recursive: true });
    rmSync(at('link'));
    write('link/is/a/folder.txt', 'now');
    rmSync(at('outside'));
    symlinkSync('elsewhere', at('outside'));
    chmodSync(at('run.sh'), 0o600);
    write('new/file', 'new');
    mkdirSync(at('new/empty'));
    write('big.bin', Buffer.alloc(50 * 1024 * 1024, 'y'));
    appendFileSync(at('big.bin'), 'end');
    const after = await take();
    const second = account();
    expect(after.tree).not.toBe(before.tree);

    expect(await snapshots.restore(before)).toMatchObject({ isExact: true, left: [] });
    expect(account()).toBe(first);
    expect((await take()).tree).toBe(before.tree);
    expect(await snapshots.restore(after)).toMatchObject({ isExact: true, left: [] });
    expect(account()).toBe(second);
    expect((await take()).tree).toBe(after.tree);
    expect(readlinkSync(at('outside'))).toBe('elsewhere');
  });

  it('is told before it is applied', async () => {
    write('keep', 'same');
    write('text', 'before');
    write('gone', 'x');
    write('mode', 'm');
    const before = await take();
    write('text', 'after!');
    rmSync(at('gone'));
    chmodSync(at('mode'), 0o600);
    write('folder/new', 'n');
    const preview = await snapshots.compare(before);
    expect(preview.counts).toEqual({ added: 1, modified: 2, deleted: 2 });
    expect(preview.changes).toEqual([
      { path: 'folder', kind: 'folder', change: 'deleted', sizeNow: 0, sizeThen: null },
      { path: 'folder/new', kind: 'file', change: 'deleted', sizeNow: 1, sizeThen: null },
      { path: 'gone', kind: 'file', change: 'added', sizeNow: null, sizeThen: 1 },
      { path: 'mode', kind: 'file', change: 'mode', sizeNow: 1, sizeThen: 1 },
      { path: 'text', kind: 'file', change: 'modified', sizeNow: 6, sizeThen: 6 },
    ]);
    const { from, to } = preview;
    expect(await snapshots.diff({ from, to, path: 'text' })).toEqual({ now: 'after!', rewound: 'before', shown: true });
    expect(await snapshots.diff({ from, to, path: 'gone' })).toEqual({ now: null, rewound: 'x', shown: true });
    expect(readFileSync(at('text'), 'utf8')).toBe('after!');
  });

  it('leaves out what the rule names, and keeps its hands off it', async () => {
    write('app/index.js', '1');
    write('app/node_modules/x/y.js', 'dependency');
    write('target/CACHEDIR.TAG', 'Signature: 8a477f597d28d172789f06886806bc55');
    write('target/out', 'made');
    const before = await take();
    expect(before).toMatchObject({ files: 1, leftOut: 2 });
    write('later/node_modules/z.js', 'made later');
    write('later/own.js', '2');
    write('app/node_modules/x/y.js', 'newer');
    const restored = await snapshots.restore(before);
    expect(restored.left).toEqual(['later']);
    expect(restored.isExact).toBe(false);
    expect(existsSync(at('later/own.js'))).toBe(false);
    expect(readFileSync(at('later/node_modules/z.js'), 'utf8')).toBe('made later');
    expect(readFileSync(at('app/node_modules/x/y.js'), 'utf8')).toBe('newer');
    expect(existsSync(at('target/out'))).toBe(true);
  });

  it('takes any name, and names what it cannot keep', async () => {
    const odd = ['new\nline', ' ', '-rf', 'ö', '%s', '"', "'", '*', '\\', '\u202e'];
    for (const name of odd) write(name, name);
    const raw = Buffer.concat([Buffer.from(`${workspace}/`), Buffer.from([0xff, 0xfe, 0x41])]);
    writeFileSync(raw, 'not UTF-8');
    mkdirSync(Buffer.concat([raw, Buffer.from('d')]));
    execFileSync('mkfifo', [at('pipe')]);
    const first = account();
    const before = await take();
    expect(before.skipped).toEqual({ count: 1, items: [{ path: 'pipe', why: 'special' }] });
    for (const name of readdirSync(Buffer.from(workspace), { encoding: 'buffer' })) {
      if (name.toString() === 'pipe') continue;
      rmSync(Buffer.concat([Buffer.from(`${workspace}/`), name]), { recursive: true });
    }
    expect(await snapshots.restore(before)).toMatchObject({ isExact: true });
    expect(account()).toBe(first);
    expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
  });

  it('writes through no link that is put in the way', async () => {
    const outside = join(scratch.path, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'precious');
    write('folder/file', 'mine');
    const before = await take();
    rmSync(at('folder'), { recursive: true });
    symlinkSync(outside, at('folder'));
    expect(await snapshots.restore(before)).toMatchObject({ isExact: true });
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('precious');
    expect(readFileSync(at('folder/file'), 'utf8')).toBe('mine');

    // And while names are swapped as fast as another process can.
    write('a/file', 'in a');
    const both = await take();
    const script =
      "const fs=require('fs');const [d,o]=process.argv.slice(1);for(;;){try{fs.renameSync(d+'/a',d+'/b');if(fs.lstatSync(d+'/b').isDirectory())fs.rmSync(d+'/b/file',{force:true});fs.symlinkSync(o,d+'/a');fs.unlinkSync(d+'/a');fs.renameSync(d+'/b',d+'/a')}catch{try{fs.unlinkSync(d+'/a')}catch{}try{fs.renameSync(d+'/b',d+'/a')}catch{}}}";
    const swapper = spawn(process.execPath, ['-e', script, workspace, outside], { stdio: 'ignore' });
    try {
      for (let round = 0; round < 150; round += 1) {
        await snapshots.restore(both).catch(() => undefined);
      }
    } finally {
      swapper.kill('SIGKILL');
    }
    expect(readdirSync(outside)).toEqual(['file']);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('precious');
  });

  it('reads only what changed, and sees a change that keeps size and time', async () => {
    for (let index = 0; index < 200; index += 1) write(`d${index % 10}/f${index}`, `content ${index}`);
    await take();
    await new Promise((resolve) => setTimeout(resolve, 120));
    const still = await take();
    const packs = (): number => readdirSync(join(scratch.path, 'state/checkpoints/packs')).length;
    const count = packs();
    expect((await take()).tree).toBe(still.tree);
    expect(packs()).toBe(count);

    const { atime, mtime } = statSync(at('d1/f1'));
    writeFileSync(at('d1/f1'), 'CONTENT 1');
    execFileSync('touch', ['-d', mtime.toISOString(), at('d1/f1')]);
    expect(atime).toBeDefined();
    expect((await take()).tree).not.toBe(still.tree);
  });

  it('outlives the agent, and a crash leaves nothing half', async () => {
    write('file', 'kept');
    const before = await take();
    await snapshots.close();
    const packs = join(scratch.path, 'state/checkpoints/packs');
    writeFileSync(join(packs, '0000000099-cut.pack.new'), 'half a pack');
    snapshots = open();
    expect(snapshots.list()).toEqual([before]);
    write('file', 'changed');
    expect(await snapshots.restore(before)).toMatchObject({ isExact: true });
    expect(readdirSync(packs).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  it('refuses a damaged checkpoint before it touches anything', async () => {
    write('file', 'kept');
    const before = await take();
    write('file', 'changed');
    await take();
    await snapshots.close();
    const packs = join(scratch.path, 'state/checkpoints/packs');
    const [first] = readdirSync(packs).sort();
    truncateSync(join(packs, first ?? ''), 40);
    snapshots = open();
    await expect(snapshots.restore(before)).rejects.toThrow(/damaged/);
    expect(readFileSync(at('file'), 'utf8')).toBe('changed');
    // And what is now can be kept and come back to all the same.
    const now = await take();
    write('file', 'again');
    expect(await snapshots.restore(now)).toMatchObject({ isExact: true });
    expect(readFileSync(at('file'), 'utf8')).toBe('changed');
  });

  it('goes on while files change under it', async () => {
    write('steady', 'steady');
    const writer = spawn(
      'bash',
      [
        '-c',
        'while :; do echo "$RANDOM" >> "$1/log"; mv "$1/x" "$1/y" 2>/dev/null || touch "$1/x"; mv "$1/y" "$1/x" 2>/dev/null; done',
        'x',
        workspace,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    // Its pipe closes with the last of the programs that it started, which may outlive it by a moment.
    const isOver = once(writer.stdout.resume(), 'close');
    try {
      for (let round = 0; round < 30; round += 1) expect((await take()).files).toBeGreaterThan(0);
    } finally {
      writer.kill('SIGKILL');
      await isOver;
    }
    const calm = await take();
    expect((await take()).tree).toBe(calm.tree);
  });
});

describe('the store', () => {
  it('stays bounded over 500 checkpoints of a changing tree', async () => {
    await snapshots.close();
    const maxBytes = 12 * 1024 * 1024;
    snapshots = open({ maxBytes, maxCheckpoints: 100, maxPacks: 40 });
    write('still', Buffer.alloc(1024 * 1024, 's'));
    const first = await take();
    const used = (): number =>
      Number(
        execFileSync('du', ['-sb', join(scratch.path, 'state/checkpoints')])
          .toString()
          .split('\t')[0],
      );
    let most = 0;
    for (let round = 0; round < 500; round += 1) {
      write(`f${round % 7}`, Buffer.alloc(200 * 1024, `${round} `));
      if (round % 50 === 0) renameSync(at('still'), at('still'));
      await snapshots.take({ reason: round % 2 === 0 ? 'before-turn' : 'after-turn', turnId: null, messageIds: [] });
      if (round % 10 === 0) most = Math.max(most, used());
    }
    expect(most).toBeLessThan(maxBytes * 1.25);
    const kept = snapshots.list();
    expect(kept.length).toBeLessThanOrEqual(100);
    expect(kept[0]).toEqual(first);
    const taken = events.flatMap((event) => (event.type === 'checkpoint.taken' ? [event.checkpointId] : []));
    const dropped = events.flatMap((event) => (event.type === 'checkpoint.dropped' ? event.checkpointIds : []));
    expect([...kept.map(({ checkpointId }) => checkpointId), ...dropped].sort()).toEqual(taken.sort());
    expect(readdirSync(join(scratch.path, 'state/checkpoints/packs')).length).toBeLessThanOrEqual(41);
    for (const checkpoint of [kept.at(0), kept.at(Math.floor(kept.length / 2)), kept.at(-2)]) {
      if (checkpoint === undefined) throw new Error('There is none.');
      expect(await snapshots.restore(checkpoint)).toMatchObject({ isExact: true });
      expect((await take()).tree).toBe(checkpoint.tree);
    }
  });

  it('names what has no room, and keeps the rest', async () => {
    await snapshots.close();
    snapshots = open({ maxBytes: 2 * 1024 * 1024, maxFileBytes: 1024 * 1024 });
    write('a-huge', Buffer.alloc(1024 * 1024 + 1));
    write('b', Buffer.alloc(900 * 1024, 'b'));
    write('c', Buffer.alloc(900 * 1024, 'c'));
    write('d', Buffer.alloc(900 * 1024, 'd'));
    write('e', 'small');
    const taken = await take();
    expect(taken.skipped.items).toEqual([
      { path: 'a-huge', why: 'too-large' },
      { path: 'd', why: 'no-room' },
    ]);
    rmSync(at('e'));
    await snapshots.restore(taken);
    expect(existsSync(at('a-huge'))).toBe(true);
    expect(existsSync(at('d'))).toBe(true);
    expect(readFileSync(at('e'), 'utf8')).toBe('small');
  });
});

describe('what a checkpoint could not keep', () => {
  const mega = 1024 * 1024;
  const reopen = async (limits: SnapshotsDeps['limits']): Promise<void> => {
    await snapshots.close();
    snapshots = open(limits);
  };
  const safety = (pinned: Checkpoint): Promise<Checkpoint> =>
    snapshots.take({ reason: 'before-rewind', turnId: null, messageIds: [] }, { pinned: pinned.checkpointId });

  it('is not replaced by what it was when it could be kept', async () => {
    await reopen({ maxFileBytes: mega });
    write('data', 'small');
    write('folder/inner', 'in a folder');
    write('folder-then', 'a file');
    write('other', 'one');
    const before = await take();
    const huge = randomBytes(mega + 1);
    write('data', huge);
    rmSync(at('folder'), { recursive: true });
    write('folder', huge);
    rmSync(at('folder-then'));
    write('folder-then/huge', huge);
    write('other', 'two');
    await take();
    expect((await snapshots.compare(before)).changes.map(({ path }) => path)).not.toContain('data');
    const restored = await snapshots.restore(before);
    expect(restored.isExact).toBe(false);
    expect([...restored.left].sort()).toEqual(['data', 'folder', 'folder-then/huge']);
    for (const path of ['data', 'folder', 'folder-then/huge']) expect(readFileSync(at(path)).equals(huge)).toBe(true);
    expect(readFileSync(at('other'), 'utf8')).toBe('one');
  });

  it('is not deleted when it can be kept by now', async () => {
    await reopen({ maxFileBytes: mega });
    write('data', randomBytes(mega + 1));
    write('deep/data', randomBytes(mega + 1));
    const before = await take();
    write('data', 'small now');
    rmSync(at('deep/data'));
    write('deep/data/file', 'in a folder now');
    await take();
    const restored = await snapshots.restore(before);
    expect(restored).toMatchObject({ isExact: false, left: ['data', 'deep/data'] });
    expect(readFileSync(at('data'), 'utf8')).toBe('small now');
    expect(readFileSync(at('deep/data/file'), 'utf8')).toBe('in a folder now');
  });

  it('is never said to be exact, even where both sides lack it', async () => {
    await reopen({ maxFileBytes: mega });
    write('same/data', randomBytes(mega + 1));
    const before = await take();
    write('same/data', randomBytes(mega + 1));
    expect(await snapshots.restore(before)).toMatchObject({ isExact: false, left: ['same/data'] });
  });

  it('is no edit of a source file, where large ones fill the store', async () => {
    await reopen({ maxBytes: 2 * mega });
    write('large', randomBytes(2 * mega - 5));
    write('source', 'first');
    const before = await take();
    expect(before.skipped.count).toBe(0);
    write('source', 'edited');
    const undo = await safety(before);
    expect(undo.skipped.count).toBe(0);
    // The store is over its limit: what is being gone to is not what goes.
    expect(snapshots.list()).toContainEqual(before);
    expect(await snapshots.restore(before)).toMatchObject({ isExact: true, left: [] });
    expect(readFileSync(at('source'), 'utf8')).toBe('first');
    expect(await snapshots.restore(undo)).toMatchObject({ isExact: true });
    expect(readFileSync(at('source'), 'utf8')).toBe('edited');
  });

  it('stays as it is where there was no room for it before the rewind', async () => {
    await reopen({ maxBytes: 2 * mega });
    write('large', randomBytes(2 * mega - 5));
    write('source', 'first');
    const before = await take();
    const edited = randomBytes(400 * 1024);
    write('source', edited);
    expect((await safety(before)).skipped.items).toEqual([{ path: 'source', why: 'no-room' }]);
    expect(await snapshots.restore(before)).toMatchObject({ isExact: false, left: ['source'] });
    expect(readFileSync(at('source')).equals(edited)).toBe(true);
  });
});

it('keeps what a rewind goes to, and what undoes it, over a new life of the agent', async () => {
  write('a', 'zero');
  await take();
  write('a', 'one');
  const target = await take();
  write('a', 'two');
  const purpose = { reason: 'before-rewind', turnId: null, messageIds: [] } as const;
  const undo = await snapshots.take({ ...purpose, messageIds: [] }, { pinned: target.checkpointId });
  await snapshots.close();
  snapshots = open({ maxCheckpoints: 4 });
  const fill = async (): Promise<void> => {
    for (let n = 0; n < 30; n += 1) {
      write('a', `later ${n}`);
      await take();
    }
  };
  await fill();
  expect(snapshots.list()).toEqual(expect.arrayContaining([target, undo]));
  await snapshots.restore(target);
  expect(readFileSync(at('a'), 'utf8')).toBe('one');
  await snapshots.close();
  snapshots = open({ maxCheckpoints: 4 });
  await fill();
  // Where it went to is a checkpoint like any other now; the way back is still kept.
  expect(snapshots.list()).not.toContainEqual(target);
  await snapshots.restore(undo);
  expect(readFileSync(at('a'), 'utf8')).toBe('two');
});

describe('a checkpoint of the format that did not hold what it skipped', () => {
  /** As an agent of that time wrote it: the skipped names are in its list alone, and there only the first of them. */
  const age = async (taken: Checkpoint, named: number): Promise<Checkpoint> => {
    await snapshots.close();
    const folder = join(scratch.path, 'state/checkpoints');
    const store = createObjectStore(join(folder, 'packs'), () => undefined);
    const writer = store.write();
    const aged = decodeFolder(store.read(ofHex(taken.tree))).filter(({ kind }) => kind !== 'skipped');
    const old = {
      ...taken,
      tree: hexOf(await writer.put(encodeFolder(aged))),
      skipped: { ...taken.skipped, items: taken.skipped.items.slice(0, named) },
    };
    await writer.commit();
    store.close();
    writeFileSync(join(folder, 'checkpoints.json'), JSON.stringify({ checkpoints: [old] }));
    rmSync(join(folder, 'stat-cache'), { force: true });
    snapshots = open();
    return snapshots.list()[0] ?? old;
  };

  it.each([
    ['named', 2, ['huge-a', 'huge-b']],
    ['not all named', 1, ['huge-a', 'huge-b', 'new']],
  ])('leaves alone what it may have skipped: %s', async (_what, named, left) => {
    await snapshots.close();
    snapshots = open({ maxFileBytes: 1_000 });
    write('huge-a', 'a'.repeat(2_000));
    write('huge-b', 'b'.repeat(2_000));
    write('small', 'then');
    const old = await age(await take(), named);
    write('new', 'since then');
    write('small', 'now');
    const shown = await snapshots.compare(old);
    expect(shown.changes.map(({ path }) => path)).toEqual(left.includes('new') ? ['small'] : ['new', 'small']);
    const restored = await snapshots.restore(old);
    expect(restored).toMatchObject({ isExact: false, left });
    expect(readFileSync(at('huge-a'), 'utf8')).toBe('a'.repeat(2_000));
    expect(readFileSync(at('huge-b'), 'utf8')).toBe('b'.repeat(2_000));
    expect(readFileSync(at('small'), 'utf8')).toBe('then');
    expect(existsSync(at('new'))).toBe(left.includes('new'));
  });
});

it('reads folders as they were written before names could be skipped', () => {
  const bytes = Buffer.concat([
    Buffer.from([0, 0x01, 0xa4, 0, 1, 0, 0, 0, 0, 0, 7]),
    Buffer.from('a'),
    Buffer.alloc(32, 1),
  ]);
  expect(decodeFolder(bytes)).toEqual([{ name: 'a', kind: 'file', mode: 0o644, size: 7, hash: '\x01'.repeat(32) }]);
  expect(encodeFolder(decodeFolder(bytes)).equals(bytes)).toBe(true);
});
