/** A process driver on folders of its own, for tests. It ends what it started. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Driver } from '../../driver.js';
import type { DriverHarness, InsideHarness } from '../conformance-harness.js';
import { createProcessDriver } from '../../drivers/process/driver.js';
import type { ProcessDriverOptions } from '../../drivers/process/driver.js';

export interface ProcessHarness extends DriverHarness {
  options: ProcessDriverOptions;
  inside: InsideHarness;
  /** The harness's own folder; data and run folder are in it. */
  folder: string;
}

export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export async function makeProcessHarness(isolation: 'bubblewrap' | 'none'): Promise<ProcessHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'rc-'));
  chmodSync(folder, 0o711);
  const options: ProcessDriverOptions = {
    dataDir: join(folder, 'data'),
    runDir: join(folder, 'run'),
    isolation,
    uidRange: { first: 300_000 + (process.pid % 10_000) * 50, count: 50 },
    childEnv: { PATH: systemPath, HOME: '/nonexistent', LANG: 'C.UTF-8' },
  };
  const hiddenFile = join(folder, 'hidden');
  writeFileSync(hiddenFile, 'secret', { mode: 0o644 });
  const mounted = join(folder, 'mounted');
  mkdirSync(mounted);
  chmodSync(mounted, 0o755);
  writeFileSync(join(mounted, 'file'), 'mounted', { mode: 0o644 });
  const mount = { source: mounted, target: '/opt/conformance' };

  const drivers: Driver[] = [];
  const reopen = () => {
    const driver = createProcessDriver(options);
    drivers.push(driver);
    return driver;
  };
  const node = nodeInside(isolation);
  const diskOf = (sessionId: string) => join(options.dataDir, 'sessions', sessionId);
  return {
    options,
    folder,
    driver: reopen(),
    reopen,
    base: {
      environment: { PATH: systemPath, HOME: '/home/claude' },
      limits: { cpus: 2, memoryBytes: 1024 ** 3, processes: 256, openFiles: 4096 },
      readOnlyMounts: [mount, ...node.mounts],
    },
    commands: {
      idle: ['/bin/sleep', '100000'],
      exit: (code) => ['/bin/sh', '-c', 'exit "$0"', String(code)],
      stubborn: ['/bin/bash', '-c', "trap '' TERM; sleep 100000"],
    },
    losses: [
      { how: 'the folder of the session', lose: async (id) => rmSync(diskOf(id), { recursive: true }) },
      ...['workspace', 'home', 'state'].map((part) => ({
        how: `its ${part}`,
        lose: async (id: string) => rmSync(join(diskOf(id), part), { recursive: true }),
      })),
      {
        how: 'all of it, and another made its folder',
        lose: async (id) => {
          rmSync(diskOf(id), { recursive: true });
          for (const part of ['workspace', 'home', 'state']) mkdirSync(join(diskOf(id), part), { recursive: true });
        },
      },
    ],
    remains: async (id) => (existsSync(diskOf(id)) ? readdirSync(diskOf(id)).sort() : []),
    inside: {
      node: node.path,
      network: 'none',
      kernel: 'shared',
      users: 'own',
      hiddenFile,
      mountedFile: { mount, name: 'file', content: 'mounted' },
    },
    close: async () => {
      const sessions = join(options.dataDir, 'sessions');
      const last = reopen();
      for (const sessionId of existsSync(sessions) ? readdirSync(sessions) : []) await last.destroy(sessionId);
      for (const driver of drivers) await driver.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether places of this host and user get their limits. */
export async function limitsHold(): Promise<boolean> {
  const harness = await makeProcessHarness('bubblewrap');
  const { warnings } = await harness.driver.probe();
  await harness.close();
  return warnings.length === 0;
}

/** This Node as a place sees it: with the system, or mounted where it was installed elsewhere. */
function nodeInside(isolation: 'bubblewrap' | 'none'): { path: string; mounts: { source: string; target: string }[] } {
  if (isolation === 'none' || process.execPath.startsWith('/usr/')) return { path: process.execPath, mounts: [] };
  return { path: '/opt/node/node', mounts: [{ source: dirname(process.execPath), target: '/opt/node' }] };
}
