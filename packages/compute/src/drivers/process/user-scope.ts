/**
 * Limits for a server that is not root: a transient scope of the user's own systemd, where there is one. It does not
 * promise anything: what holds is read back from the kernel.
 */
import type { PlaceLimits } from '../../driver.js';
import { isLimit } from './cgroups.js';
import type { EnforcedLimits } from './cgroups.js';
import { runTool } from './run-tool.js';

const command = ['systemd-run', '--user', '--scope', '--quiet', '--collect'];

async function userScopeAnswers(env: Record<string, string>): Promise<boolean> {
  return (await runTool([...command, '--', 'true'], env, 5_000)).code === 0;
}

/** What the kernel says from inside a scope: which of its limits stand. */
const lookAround =
  'cd "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)" && for file in memory.max pids.max cpu.max; do echo "$file=$(cat "$file" 2>/dev/null)"; done; true';

/** Makes a scope with limits and reads them back, since a user's systemd takes limits that it cannot set; null where it makes none. */
export async function tryUserScope(env: Record<string, string>): Promise<EnforcedLimits | null> {
  const limits = ['-p', 'MemoryMax=67108864', '-p', 'TasksMax=64', '-p', 'CPUQuota=100%'];
  const { code, output } = await runTool([...command, ...limits, '--', '/bin/sh', '-c', lookAround], env, 5_000);
  if (code !== 0) return null;
  const holds = (file: string) => isLimit(new RegExp(`^${file}=(.*)$`, 'm').exec(output)?.[1] ?? '');
  return { memory: holds('memory.max'), processes: holds('pids.max'), cpu: holds('cpu.max') };
}

/** What to put before the command line; empty where the user has no systemd. */
export async function userScopePrefix(
  limits: PlaceLimits,
  key: string,
  env: Record<string, string>,
): Promise<string[]> {
  if (!(await userScopeAnswers(env))) return [];
  const properties = [
    `MemoryMax=${limits.memoryBytes}`,
    'MemorySwapMax=0',
    `TasksMax=${limits.processes + 2}`,
    `CPUQuota=${Math.max(1, Math.round(limits.cpus * 100))}%`,
  ];
  return [
    ...command,
    `--description=Remote Claude place ${key}`,
    ...properties.flatMap((property) => ['-p', property]),
    '--',
  ];
}
