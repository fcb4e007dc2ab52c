// `npm run dev -- …`: compiles on every change, restarts the server on it, and exports the page anew when its sources
// change. It does not know the server's flags; it hands them on. One origin, as in production, so nothing is proxied.
import { watch } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { childEnv, serverVariables } from './child-env.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { interrupted, root, start } from './run.mjs';
import { ensureSystemPackages, howToInstall } from './system-packages.mjs';

const watched = ['packages', 'apps'];
const settleMs = 300;
const ignored = /(?:^|[/\\])(?:node_modules|dist|out|\.next|\.cache)(?:[/\\]|$)|\.tsbuildinfo$|next-env\.d\.ts$/;

const program = join(root, 'apps/cli/dist/main.js');

function createServerProcess(args) {
  let current;
  const launch = () => {
    current = start([program, 'serve', ...args], { env: childEnv(serverVariables(args)) });
    void current.exited.then((code) => {
      if (!interrupted()) console.log(`the server ended with code ${code}`);
    });
  };
  const stop = async () => {
    current?.child.kill('SIGTERM');
    await current?.exited;
  };
  return {
    async restart() {
      await stop();
      if (!interrupted()) launch();
    },
    // The signal that ends this script has reached the server already.
    close: () => current?.exited,
  };
}

/** Resolves with each burst of changes; the watcher keeps the process alive until a signal ends it. */
function onChange(changed) {
  let timer;
  const watchers = watched.map((folder) =>
    watch(join(root, folder), { recursive: true }, (_event, name) => {
      if (name === null || ignored.test(name)) return;
      clearTimeout(timer);
      timer = setTimeout(() => changed(), settleMs);
    }),
  );
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

export async function main(args) {
  await ensureDependencies();
  for (const name of await ensureSystemPackages(['git', 'bubblewrap'])) console.log(howToInstall(name));
  const server = createServerProcess(args);
  let work = Promise.resolve();
  const rebuild = () => {
    work = work.then(async () => {
      try {
        await build();
        await server.restart();
      } catch (error) {
        console.log(error.plain ? `not restarted: ${error.message}` : error);
      }
    });
  };
  rebuild();
  const unwatch = onChange(rebuild);
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve);
  });
  unwatch();
  await work;
  await server.close();
  return 0;
}
