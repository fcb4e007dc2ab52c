// What runs inside places: Node, Claude Code and the agent, copied once per version to where a session's uid can reach.
// It does not know how a place is made.

import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Driver } from '@remote-claude/compute';

import type { Log } from './log.js';

export interface RuntimeSources {
  /** Folder with `agent.mjs`, `session-init.sh` and the native packages beside it. */
  agentDir: string;
  /** Claude Code's own binary. */
  claudePath: string;
  nodePath: string;
  ripgrepPath: string;
}

/** Paths within the runtime folder. */
export const runtimeFiles = {
  node: 'bin/node',
  claude: 'bin/claude',
  ripgrep: 'bin/rg',
  agent: 'agent/agent.mjs',
  sessionInit: 'agent/session-init.sh',
} as const;

const fingerprint = async (sources: RuntimeSources): Promise<string> => {
  const hash = createHash('sha256');
  const init = join(sources.agentDir, 'session-init.sh');
  const hasInit = (await stat(init).catch(() => null)) !== null;
  const own = [join(sources.agentDir, 'agent.mjs'), ...(hasInit ? [init] : [])];
  for (const path of [...own, sources.claudePath, sources.nodePath]) {
    const { size, mtimeMs } = await stat(path);
    hash.update(`${path}\n${size}\n${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
};

const copyProgram = async (from: string, to: string): Promise<void> => {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o755);
};

/** Gives the folder of this version, made if it is missing. Older ones are the sweep's: places that run may have them. */
export const prepareRuntime = async (options: {
  dataDir: string;
  sources: RuntimeSources;
}): Promise<{ folder: string; version: string }> => {
  const parent = join(options.dataDir, 'runtime', 'agents');
  const version = await fingerprint(options.sources);
  const folder = join(parent, version);
  if ((await stat(folder).catch(() => null)) !== null) return { folder, version };
  const making = `${folder}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(join(making, 'bin'), { recursive: true, mode: 0o755 });
  await copyProgram(options.sources.nodePath, join(making, runtimeFiles.node));
  await copyProgram(options.sources.claudePath, join(making, runtimeFiles.claude));
  await copyProgram(options.sources.ripgrepPath, join(making, runtimeFiles.ripgrep));
  await cp(options.sources.agentDir, join(making, 'agent'), { recursive: true, dereference: true });
  await openToAll(making);
  await rename(making, folder);
  return { folder, version };
};

export interface RuntimeSweepDeps {
  /** The folder that places are started with now; those of other versions lie beside it. */
  current: string;
  driver: Pick<Driver, 'list'>;
  log: Log;
}

/** Removes the versions that no live place uses. One server works on a data folder, so nobody starts places with them. */
export const createRuntimeSweep = ({ current, driver, log }: RuntimeSweepDeps) => {
  const parent = dirname(current);
  let running: Promise<void> | null = null;
  let again = false;
  let closed = false;

  const removeUnused = async (): Promise<void> => {
    const places = await driver.list();
    // What one place uses is not known: it may be any of them.
    if (places.some(({ mounts }) => mounts === null)) return;
    const mounted = places.flatMap(({ mounts }) => mounts ?? []);
    for (const name of await readdir(parent)) {
      const folder = join(parent, name);
      const isUsed = mounted.some((source) => source === folder || source.startsWith(`${folder}/`));
      if (folder === current || isUsed || closed) continue;
      // Half a version never looks like a whole one.
      const leaving = name.endsWith('.removing') ? folder : `${folder}.removing`;
      if (leaving !== folder) await rename(folder, leaving);
      await rm(leaving, { recursive: true, force: true });
      log.info({ version: name }, 'a runtime that no session uses was removed');
    }
  };

  const work = async (): Promise<void> => {
    while (again && !closed) {
      again = false;
      await removeUnused().catch((err: unknown) => log.warn({ err }, 'old runtimes could not be removed'));
    }
  };

  return {
    /** Resolves when a look that began after the call is done. */
    async sweep(): Promise<void> {
      again = true;
      running ??= work().finally(() => {
        running = null;
      });
      await running;
    },
    async close(): Promise<void> {
      closed = true;
      await running;
    },
  };
};

const openToAll = async (folder: string): Promise<void> => {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else await chmod(path, ((await stat(path)).mode & 0o111) === 0 ? 0o644 : 0o755);
  }
};
