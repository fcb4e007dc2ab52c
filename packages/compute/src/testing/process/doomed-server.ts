/**
 * A server in a process of its own, for tests that kill it. It starts one place, up to a point, says what it has, and
 * waits for its end. Its argument is JSON: `{ options, spec, until: 'started' | 'gate' }`.
 */
import { join } from 'node:path';
import type { PlaceSpec } from '../../driver.js';
import { createBubblewrapIsolator } from '../../drivers/process/bubblewrap.js';
import { createProcessDriver } from '../../drivers/process/driver.js';
import type { ProcessDriverOptions } from '../../drivers/process/driver.js';
import { writeOwnEtc } from '../../drivers/process/host-system.js';
import { buildSeccompFilter } from '../../drivers/process/seccomp/filter.js';
import { makeSessionFolders, makeSharedFolders, sessionPaths } from '../../drivers/process/session-paths.js';
import { findTools } from '../../drivers/process/tools.js';

export interface Errand {
  options: ProcessDriverOptions;
  spec: PlaceSpec;
  /** `started`: the verb has answered. `gate`: the place exists, and nothing was written down. */
  until: 'started' | 'gate';
}

const { options, spec, until } = JSON.parse(process.argv[2] ?? '') as Errand;

async function holdAtTheGate(): Promise<unknown> {
  const { dataDir, runDir, childEnv, uidRange } = options;
  const roots = { dataDir, runDir };
  const ownEtcFolder = join(dataDir, 'driver', 'etc');
  const owner = { uid: uidRange.first, gid: uidRange.first };
  const paths = sessionPaths(roots, spec.sessionId);
  makeSharedFolders(roots);
  writeOwnEtc(ownEtcFolder);
  makeSessionFolders(paths, owner);
  const { tools } = findTools(childEnv['PATH'] ?? '', ['bwrap', 'setpriv', 'prlimit']);
  const seccompFilter = buildSeccompFilter(process.arch === 'arm64' ? 'arm64' : 'x64');
  const isolator = createBubblewrapIsolator({ roots, ownEtcFolder, childEnv, seccompFilter, tools: () => tools });
  return isolator.launch({ spec, paths, owner });
}

const result = until === 'gate' ? await holdAtTheGate() : await createProcessDriver(options).start(spec);
process.stdout.write(`${JSON.stringify(result)}\n`);
setInterval(() => {}, 1_000_000);
