import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProcessDriver, type Driver } from '@remote-claude/compute';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createSilentLog } from '../testing/silent-log.js';
import { createRuntimeSweep } from './runtime.js';

let folder: string;
let parent: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-'));
  await chmod(folder, 0o711);
  parent = join(folder, 'runtime', 'agents');
  for (const name of ['now', 'used', 'unused', 'half.making', 'gone.removing']) {
    await mkdir(join(parent, name, 'bin'), { recursive: true });
    await writeFile(join(parent, name, 'bin', 'node'), name);
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sweepWith = (driver: Pick<Driver, 'list'>) =>
  createRuntimeSweep({ current: join(parent, 'now'), driver, log: createSilentLog() });
/** A driver that knows of two places what they have mounted. */
const listing = (...mounts: (string[] | null)[]) => ({
  list: async () => mounts.map((some, at) => ({ sessionId: `s${at}`, placeId: `p${at}`, handle: null, mounts: some })),
});
const all = ['gone.removing', 'half.making', 'now', 'unused', 'used'];

describe('versions of the runtime', () => {
  test('those that no place uses go, and what was half made or half removed', async () => {
    await sweepWith(listing([], ['/etc', join(parent, 'used')])).sweep();
    expect((await readdir(parent)).sort()).toEqual(['now', 'used']);
  });

  test('nothing goes while it is not known what places use', async () => {
    await sweepWith(listing([join(parent, 'used')], null)).sweep();
    await sweepWith({ list: () => Promise.reject(new Error('the engine is away')) }).sweep();
    expect((await readdir(parent)).sort()).toEqual(all);
  });

  test('a real place keeps its version until it has ended, also for a server that never wrote it down', async () => {
    const options = {
      dataDir: join(folder, 'd'),
      runDir: join(folder, 'r'),
      isolation: 'bubblewrap',
      uidRange: { first: 450_000 + process.pid, count: 1 },
      childEnv: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent' },
    } as const;
    const driver = createProcessDriver(options);
    for (const path of [join(folder, 'runtime'), parent, join(parent, 'used')]) await chmod(path, 0o755);
    const { handle } = await driver.start({
      sessionId: 's',
      placeId: 'p',
      disk: 'new',
      command: ['/bin/sleep', '100000'],
      environment: {},
      limits: { cpus: 1, memoryBytes: 2 ** 28, processes: 64, openFiles: 256 },
      readOnlyMounts: [{ source: join(parent, 'used'), target: '/opt/remote-claude' }],
    });
    await rm(join(folder, 'd', 'sessions', 's', 'driver', 'place.json'));
    const sweep = sweepWith(driver);
    try {
      await sweep.sweep();
      expect((await readdir(parent)).sort()).toEqual(['now', 'used']);
      await driver.stop(handle, { graceMs: 1_000 });
      await sweep.sweep();
      expect(await readdir(parent)).toEqual(['now']);
    } finally {
      await driver.destroy('s');
      await driver.close();
    }
  });
});
