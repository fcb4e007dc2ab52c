/** Removes what a session's code could write to, whatever it has put there. It does not know why. */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ComputeError } from '../../driver.js';
import { runTool } from './run-tool.js';

const removeTimeoutMs = 10 * 60_000;

/** The disk disappears at once, by a rename; what is left of an earlier, interrupted removal goes too. */
export async function removeDisk(
  root: string,
  trash: string,
  sessionId: string,
  env: Record<string, string>,
): Promise<void> {
  mkdirSync(trash, { recursive: true, mode: 0o700 });
  if (existsSync(root)) renameSync(root, join(trash, `${sessionId}.${randomUUID()}`));
  for (const name of readdirSync(trash)) {
    if (name.startsWith(`${sessionId}.`)) await removeTree(join(trash, name), env);
  }
}

/** Nothing there is fine. Only for trees that no running place can reach. */
export async function removeTree(path: string, env: Record<string, string>): Promise<void> {
  // The system's own rm goes by descriptors: paths longer than the kernel takes and swapped links do not matter to it.
  const remove = () => runTool(['rm', '-rf', '--one-file-system', '--', path], env, removeTimeoutMs);
  if ((await remove()).code === 0) return;
  // Folders that were made unreadable stop everyone but root.
  await runTool(['chmod', '-R', 'u+rwX', '--', path], env, removeTimeoutMs);
  const again = await remove();
  if (again.code === 0) return;
  throw new ComputeError(
    'destroy_failed',
    `${path} could not be removed, remove it by hand: ${again.output.trim().slice(0, 300)}`,
  );
}
