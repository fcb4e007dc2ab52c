// What a session's place says of itself (deploy/docker/session-monitor.sh), from files as both kinds of control groups have
// them, from a place that has none, and from this machine.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { builtEnv } from '../support/config.js';

const script = fileURLToPath(new URL('../../deploy/docker/session-monitor.sh', import.meta.url));

const count = z.int().nonnegative().nullable();
const time = z.iso.datetime().nullable();
const document = z.strictObject({
  time: z.iso.datetime(),
  cpu: z.strictObject({ usedPercent: z.number().nonnegative().nullable(), limit: z.number().positive().nullable() }),
  memory: z.strictObject({ usedBytes: count, limitBytes: count, kills: count }),
  disks: z
    .array(
      z.strictObject({
        name: z.enum(['workspace', 'home', 'state']),
        totalBytes: count,
        usedBytes: count,
        freeBytes: count,
        files: count,
        usedFiles: count,
      }),
    )
    .length(3),
  processes: z.strictObject({
    count: z.int().nonnegative(),
    limit: count,
    largest: z.array(z.strictObject({ pid: z.int(), name: z.string(), memoryBytes: z.int() })).max(5),
  }),
  activity: z.strictObject({ terminal: time, workTree: time }),
});

let folder: string;

/** Writes files by their path in a folder, and gives the folder. */
const tree = async (name: string, files: Record<string, string>): Promise<string> => {
  const root = join(folder, name);
  await mkdir(root, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
};

/** POSIX's own shell, as in an image that has no other. */
const monitor = async (env: Record<string, string>, args: readonly string[] = []) => {
  const { stdout, stderr } = await promisify(execFile)('sh', [script, ...args], { env: { ...builtEnv(), ...env } });
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return document.parse(JSON.parse(stdout));
};

const proc = {
  uptime: '1000.00 2000.00\n',
  meminfo: 'MemTotal:       2048 kB\nMemFree:        100 kB\nMemAvailable:   1024 kB\n',
  '1/stat': '1 (tini) S 0 1 1 0 -1 0 0 0 0 0 10 5 0 0 20 0 1 0 1 0 0\n',
  '1/comm': 'tini\n',
  '1/status': 'Name:\ttini\nVmRSS:\t     800 kB\n',
  '42/stat': '42 (a) b (c) S 1 1 1 0 -1 0 0 0 0 0 20 5 0 0 20 0 1 0 1 0 0\n',
  '42/comm': 'say "hi" \\ \u001b[31m\n',
  '42/status': 'Name:\tx\nVmRSS:\t    9000 kB\n',
  '77/status': 'Name:\tkernel\n',
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-monitor-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('control groups', () => {
  it('of version 2', async () => {
    const groups = await tree('v2', {
      'cgroup.controllers': 'cpu memory pids\n',
      'cpu.stat': 'usage_usec 5000000\nuser_usec 1\n',
      'cpu.max': '150000 100000\n',
      'memory.current': '734003200\n',
      'memory.max': '1073741824\n',
      'memory.stat': 'anon 1\ninactive_file 209715200\n',
      'memory.events': 'low 0\noom 4\noom_kill 3\n',
      'pids.max': '512\n',
    });
    const said = await monitor({ MONITOR_CGROUP: groups, MONITOR_PROC: await tree('proc', proc) });
    expect(said.cpu).toEqual({ usedPercent: null, limit: 1.5 });
    expect(said.memory).toEqual({ usedBytes: 524_288_000, limitBytes: 1_073_741_824, kills: 3 });
    expect(said.processes).toEqual({
      count: 3,
      limit: 512,
      // What would end the string or the document, or colour a terminal, is no part of a name.
      largest: [
        { pid: 42, name: 'say "hi" \\ ?[31m', memoryBytes: 9_216_000 },
        { pid: 1, name: 'tini', memoryBytes: 819_200 },
      ],
    });
    const moving = await monitor({ MONITOR_CGROUP: groups });
    expect(moving.cpu).toEqual({ usedPercent: 0, limit: 1.5 });
  });

  it('of version 2 without limits', async () => {
    const groups = await tree('v2-open', {
      'cgroup.controllers': '',
      'cpu.stat': 'usage_usec 1\n',
      'cpu.max': 'max 100000\n',
      'memory.current': '1000\n',
      'memory.max': 'max\n',
      'pids.max': 'max\n',
    });
    const said = await monitor({ MONITOR_CGROUP: groups });
    expect(said.cpu.limit).toBeNull();
    expect(said.memory).toEqual({ usedBytes: 1000, limitBytes: null, kills: null });
    expect(said.processes.limit).toBeNull();
  });

  it('of version 1', async () => {
    const groups = await tree('v1', {
      'cpuacct/cpuacct.usage': '5000000000\n',
      'cpu/cpu.cfs_quota_us': '50000\n',
      'cpu/cpu.cfs_period_us': '100000\n',
      'memory/memory.usage_in_bytes': '3000\n',
      'memory/memory.limit_in_bytes': '536870912\n',
      'memory/memory.stat': 'inactive_file 7\ntotal_inactive_file 1000\n',
      'memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
      'pids/pids.max': '100\n',
    });
    const said = await monitor({ MONITOR_CGROUP: groups });
    expect(said.cpu).toEqual({ usedPercent: 0, limit: 0.5 });
    expect(said.memory).toEqual({ usedBytes: 2000, limitBytes: 536_870_912, kills: 2 });
    expect(said.processes.limit).toBe(100);
  });

  it('of version 1 without limits', async () => {
    const groups = await tree('v1-open', {
      'cpuacct/cpuacct.usage': '5\n',
      'cpu/cpu.cfs_quota_us': '-1\n',
      'cpu/cpu.cfs_period_us': '100000\n',
      'memory/memory.usage_in_bytes': '3000\n',
      'memory/memory.limit_in_bytes': '9223372036854771712\n',
      'pids/pids.max': 'max\n',
    });
    const said = await monitor({ MONITOR_CGROUP: groups });
    expect([said.cpu.limit, said.memory.limitBytes, said.processes.limit]).toEqual([null, null, null]);
  });

  it('none at all: the processes and the whole place say it', async () => {
    const said = await monitor({
      MONITOR_CGROUP: await tree('none', {}),
      MONITOR_PROC: await tree('proc-none', proc),
    });
    expect(said.memory).toEqual({ usedBytes: 1_048_576, limitBytes: 2_097_152, kills: null });
    expect(said.cpu.limit).toBeNull();
  });
});

describe('folders', () => {
  it('one that is missing has no numbers, and the others have theirs', async () => {
    const said = await monitor({ MONITOR_WORK: await tree('work', {}), MONITOR_HOME: join(folder, 'nowhere') });
    const [work, home] = said.disks;
    expect(work?.totalBytes).toBeGreaterThan(0);
    expect(home).toEqual({
      name: 'home',
      totalBytes: null,
      usedBytes: null,
      freeBytes: null,
      files: null,
      usedFiles: null,
    });
  });

  it('the latest change is that of the work tree and of git, whatever the files are called', async () => {
    const work = await tree('changed', { '-rf': '', "a 'b' $(touch x)": '', '.git/index': '' });
    await symlink('/nowhere', join(work, 'broken'));
    const old = new Date('2020-01-01T00:00:00Z');
    for (const name of ['-rf', "a 'b' $(touch x)", '']) await utimes(join(work, name), old, old);
    await utimes(join(work, '.git/index'), old, new Date('2021-02-03T04:05:06Z'));
    const terminals = await tree('terminals', { '0': '', ptmx: '' });
    await utimes(join(terminals, '0'), old, new Date('2022-03-04T05:06:07Z'));
    const said = await monitor({ MONITOR_WORK: work, MONITOR_TERMINALS: terminals });
    expect(said.activity).toEqual({ terminal: '2022-03-04T05:06:07Z', workTree: '2021-02-03T04:05:06Z' });
  });

  it('no terminal and no work tree is no activity', async () => {
    const said = await monitor({ MONITOR_WORK: join(folder, 'nowhere'), MONITOR_TERMINALS: join(folder, 'nowhere') });
    expect(said.activity).toEqual({ terminal: null, workTree: null });
  });
});

describe('arguments', () => {
  it('the sample is as long as is said', async () => {
    const begun = performance.now();
    await monitor({ MONITOR_CGROUP: await tree('sampled', {}) }, ['--sample-ms', '1500']);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1_500);
  });

  it.each([[['--sample-ms']], [['--sample-ms', 'a[$(touch x)]']], [['--sample-ms', '1000000']], [['--watch']]])(
    '%j is refused',
    async (args) => {
      await expect(monitor({}, args)).rejects.toMatchObject({ code: 2 });
    },
  );
});
