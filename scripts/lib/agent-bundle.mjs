// Makes the agent one file, with the native packages it loads beside it, so that the folder works wherever it is copied.
// It does not know the agent's code. Claude Code's own binary is not part of it: whoever starts a place brings that.
import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundle } from './bundle.mjs';
import { copyPackage, openToAll } from './copy-package.mjs';

const nativeParts = ['@lydell/node-pty', '@parcel/watcher', '@vscode/ripgrep'];

/** Bundles `entry` into `target/agent.mjs`, with `files` beside it; the old folder stays whole until the new one is ready. */
export async function bundleAgent({ entry, packageFolder, target, files }) {
  const next = `${target}.next`;
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  await bundle({ entry, outfile: join(next, 'agent.mjs'), external: nativeParts });
  for (const name of nativeParts) {
    if (!copyPackage(name, { from: packageFolder, user: next, target: next }))
      throw new Error(`${name} is not installed`);
  }
  for (const file of files) copyFileSync(file, join(next, basename(file)));
  openToAll(next);
  rmSync(target, { recursive: true, force: true });
  renameSync(next, target);
}
