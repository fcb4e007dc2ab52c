/**
 * A server in a process of its own, for tests that kill it. It starts one place, up to a point, says what it has, and
 * waits for its end. Its argument is JSON: an `Errand`.
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
  /**
   * `started`: the verb has answered. `gate`: the place exists, and nothing was written down. `hung`: it has begun, and
   * its process stands still until it is told to go on; then the verb goes on too.
   */
  until: 'started' | 'gate' | 'hung';
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

const say = (result: unknown) => void process.stdout.write(`${JSON.stringify(result)}\n`);
let hasHung = until !== 'hung';
const standStill = () => {
  if (hasHung) return;
  hasHung = true;
  say({ hung: process.pid });
  process.kill(process.pid, 'SIGSTOP');
};

say(until === 'gate' ? await holdAtTheGate() : await createProcessDriver(options).start(spec, standStill));
setInterval(() => {}, 1_000_000);
