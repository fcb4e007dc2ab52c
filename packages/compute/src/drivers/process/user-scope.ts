/**
 * Limits for a server that is not root: a transient scope of the user's own systemd, where there is one. It does not
 * promise anything: what holds is read back from the kernel.
 */
import type { PlaceLimits } from '../../driver.js';
import { runTool } from './run-tool.js';

const command = ['systemd-run', '--user', '--scope', '--quiet', '--collect'];

export async function userScopeAnswers(env: Record<string, string>): Promise<boolean> {
  return (await runTool([...command, '--', 'true'], env, 5_000)).code === 0;
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
