// Makes the server one file: loading a thousand modules took longer than all else that a start does. Its native parts stay
// packages. It does not know the server's code.
import { renameSync, rmSync } from 'node:fs';
import { bundle } from './bundle.mjs';

/** What the server loads where it runs: what is native, and dockerode, which is needed where containers are used only. */
export const serverParts = ['@node-rs/argon2', 'dockerode'];
/** An optional part of the database's driver that is not installed. */
const absentParts = ['pg-native'];

/** Bundles `entry` into `target/server.mjs`; the old folder stays whole until the new one is ready. */
export async function bundleServer({ entry, target }) {
  const next = `${target}.next`;
  rmSync(next, { recursive: true, force: true });
  await bundle({ entry, outfile: `${next}/server.mjs`, external: [...serverParts, ...absentParts] });
  rmSync(target, { recursive: true, force: true });
  renameSync(next, target);
}
