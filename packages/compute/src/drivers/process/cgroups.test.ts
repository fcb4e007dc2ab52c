import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findCgroupMounts, isLimited } from './cgroups.js';

const version1 = (name: string) => `30 24 0:26 / /sys/fs/cgroup/${name} rw - cgroup cgroup rw,${name}`;
const version2 = (path: string) => `31 24 0:27 / ${path} rw shared:9 - cgroup2 cgroup2 rw,nsdelegate`;

it('finds controllers of both versions, and on a mixed host each where it is', () => {
  const all = () => 'cpuset cpu io memory pids\n';
  expect(findCgroupMounts(version2('/sys/fs/cgroup'), all)).toEqual({
    memory: { version: 2, root: '/sys/fs/cgroup' },
    pids: { version: 2, root: '/sys/fs/cgroup' },
    cpu: { version: 2, root: '/sys/fs/cgroup' },
  });
  const mixed = [version1('memory'), version1('cpu,cpuacct'), version2('/sys/fs/cgroup/unified')].join('\n');
  expect(findCgroupMounts(mixed, () => 'pids\n')).toEqual({
    memory: { version: 1, root: '/sys/fs/cgroup/memory' },
    cpu: { version: 1, root: '/sys/fs/cgroup/cpu,cpuacct' },
    pids: { version: 2, root: '/sys/fs/cgroup/unified' },
  });
  expect(findCgroupMounts('25 1 8:1 / / rw - ext4 /dev/sda rw\n', all)).toEqual({});
});

it('tells a limit from the values that mean none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rc-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const limited = (value: string) => {
    writeFileSync(join(folder, 'file'), value);
    return isLimited(folder, ['missing', 'file']);
  };
  for (const value of ['268435456\n', '50000 100000\n', '60\n']) expect(limited(value), value).toBe(true);
  for (const value of ['max\n', 'max 100000\n', '-1\n', '9223372036854771712\n', ''])
    expect(limited(value), value).toBe(false);
  expect(isLimited(null, ['file'])).toBe(false);
});
