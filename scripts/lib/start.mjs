// `npm start -- …`: a machine that has only Node and npm gets to a running server, and a ready one gets there at once.
// It does not know the server's flags and configuration; it hands them on unread.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { childEnv, serverVariables } from './child-env.mjs';
import { variablesOf } from './config-variables.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { plainError, root, start } from './run.mjs';
import { ensureSystemPackages, howToInstall } from './system-packages.mjs';

const program = join(root, 'apps/cli/dist/main.js');

export async function main(args) {
  await ensureDependencies();
  // The server decides what it can do without them; here they are only said.
  if (process.platform === 'linux') {
    for (const name of await ensureSystemPackages(['git', 'bubblewrap'])) console.log(howToInstall(name));
  }
  await build();
  if (!existsSync(program)) throw plainError('there is no server in this folder yet: apps/cli/src/main.ts is missing.');
  for (const name of variablesOf(args).withheld)
    console.log(`${name} is not handed on to the server: write the value into a variable of another name.`);
  const { exited } = start([program, 'serve', ...args], { env: childEnv(serverVariables(args)) });
  return exited;
}
