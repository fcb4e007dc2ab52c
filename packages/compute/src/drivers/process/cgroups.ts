/**
 * Limits of memory, processes and processor time by control groups, version 1 or 2 or both at once, for a server that
 * runs as root. It knows a name and numbers; it does not know what a place is.
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlaceLimits } from '../../driver.js';
import { readText, waitUntil } from './host-processes.js';

export type Controller = 'memory' | 'pids' | 'cpu';
export type EnforcedLimits = { memory: boolean; processes: boolean; cpu: boolean };
export type CgroupMounts = Partial<Record<Controller, { version: 1 | 2; root: string }>>;

export interface Cgroups {
  /** An empty group with these limits; what cannot be enforced is left out. */
  create(name: string, limits: PlaceLimits): void;
  enter(name: string, pid: number): void;
  enforced(name: string): EnforcedLimits;
  /** How many processes of the group the kernel has killed for want of memory. */
  memoryKills(name: string): number;
  remove(name: string): Promise<void>;
}

const controllers: Controller[] = ['memory', 'pids', 'cpu'];
const parent = 'remote-claude';
const periodUs = 100_000;
const removeTimeoutMs = 2_000;

/** Files and values per controller; the swap ones are missing from some kernels. */
const settings: Record<Controller, (limits: PlaceLimits, version: 1 | 2) => { file: string; value: string }[]> = {
  memory: ({ memoryBytes }, version) =>
    version === 1
      ? [
          { file: 'memory.limit_in_bytes', value: String(memoryBytes) },
          { file: 'memory.memsw.limit_in_bytes', value: String(memoryBytes) },
        ]
      : [
          { file: 'memory.max', value: String(memoryBytes) },
          { file: 'memory.swap.max', value: '0' },
        ],
  pids: ({ processes }) => [{ file: 'pids.max', value: String(processes) }],
  cpu: ({ cpus }, version) => {
    const quotaUs = Math.max(1_000, Math.round(cpus * periodUs));
    return version === 1
      ? [
          { file: 'cpu.cfs_period_us', value: String(periodUs) },
          { file: 'cpu.cfs_quota_us', value: String(quotaUs) },
        ]
      : [{ file: 'cpu.max', value: `${quotaUs} ${periodUs}` }];
  },
};

/** Where each controller is mounted, from the text of /proc/self/mountinfo. */
export function findCgroupMounts(mountinfo: string, controllersOf: (root: string) => string): CgroupMounts {
  const found: CgroupMounts = {};
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const root = before?.split(' ')[4];
    const [type, , options] = after?.split(' ') ?? [];
    if (root === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    const names = type === 'cgroup' ? (options ?? '').split(',') : controllersOf(root).trim().split(' ');
    for (const controller of controllers) {
      if (names.includes(controller)) found[controller] ??= { version: type === 'cgroup' ? 1 : 2, root };
    }
  }
  return found;
}

export function createCgroups(): Cgroups {
  const mounts = findCgroupMounts(
    readText('/proc/self/mountinfo') ?? '',
    (root) => readText(join(root, 'cgroup.controllers')) ?? '',
  );
  const folderOf = (controller: Controller, name: string) => {
    const mount = mounts[controller];
    return mount === undefined ? null : join(mount.root, parent, name);
  };
  const folders = (name: string) => [
    ...new Set(controllers.map((controller) => folderOf(controller, name)).filter((folder) => folder !== null)),
  ];

  const create = (name: string, limits: PlaceLimits): void => {
    for (const controller of controllers) {
      const mount = mounts[controller];
      const folder = folderOf(controller, name);
      if (mount === undefined || folder === null) continue;
      const made = attempt(() => mkdirSync(join(mount.root, parent), { recursive: true }));
      if (!made) continue;
      if (mount.version === 2) {
        for (const level of [mount.root, join(mount.root, parent)]) {
          attempt(() => writeFileSync(join(level, 'cgroup.subtree_control'), `+${controller}`));
        }
      }
      if (!attempt(() => mkdirSync(folder, { recursive: true }))) continue;
      for (const { file, value } of settings[controller](limits, mount.version))
        attempt(() => writeFileSync(join(folder, file), value));
    }
  };

  const enter = (name: string, pid: number): void => {
    for (const folder of folders(name))
      if (existsSync(folder)) writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  };

  const enforced = (name: string): EnforcedLimits => ({
    memory: isLimited(folderOf('memory', name), ['memory.limit_in_bytes', 'memory.max']),
    processes: isLimited(folderOf('pids', name), ['pids.max']),
    cpu: isLimited(folderOf('cpu', name), ['cpu.cfs_quota_us', 'cpu.max']),
  });

  const memoryKills = (name: string): number => {
    const folder = folderOf('memory', name);
    if (folder === null) return 0;
    const text = readText(join(folder, 'memory.events')) ?? readText(join(folder, 'memory.oom_control')) ?? '';
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  };

  const remove = async (name: string): Promise<void> => {
    // A group is busy for a moment after its last process died. One that stays is taken over by the next start.
    for (const folder of folders(name))
      await waitUntil(() => !existsSync(folder) || attempt(() => rmdirSync(folder)), removeTimeoutMs);
  };
  return { create, enter, enforced, memoryKills, remove };
}

/** Whether one of the files holds a real number; "max", -1 and version 1's huge number mean no limit. */
export function isLimited(folder: string | null, files: string[]): boolean {
  if (folder === null) return false;
  for (const file of files) {
    if (isLimit(readText(join(folder, file)) ?? '')) return true;
  }
  return false;
}

/** The content of a limit's file: "max 100000" and an empty one are none. */
export function isLimit(text: string): boolean {
  const value = Number(text.split(' ')[0]?.trim() || Number.NaN);
  return Number.isFinite(value) && value > 0 && value < 2 ** 60;
}

/** The limits of a process that another has put into a version 2 group, such as systemd for an ordinary user. */
export function enforcedOnProcess(pid: number): EnforcedLimits {
  const group = /^0::(.*)$/m.exec(readText(`/proc/${pid}/cgroup`) ?? '')?.[1];
  const folder = group === undefined || group === '/' ? null : join('/sys/fs/cgroup', group);
  return {
    memory: isLimited(folder, ['memory.max']),
    processes: isLimited(folder, ['pids.max']),
    cpu: isLimited(folder, ['cpu.max']),
  };
}

function attempt(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
