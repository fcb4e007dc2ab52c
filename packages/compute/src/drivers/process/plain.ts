/**
 * The same verbs without isolation, for a host where bubblewrap cannot run and someone asked for it: a detached child
 * with folders of its own. It protects nothing and limits nothing but open files.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { ComputeError } from '../../driver.js';
import type { PlaceLayout } from '../../driver.js';
import { limitPrefix } from './bubblewrap-arguments.js';
import type { Tools } from './bubblewrap-arguments.js';
import { sealedStdio } from './child-descriptors.js';
import { identifyEvenEnded, isAlive, sendSignal, waitUntil } from './host-processes.js';
import { killTimeoutMs } from './isolator.js';
import type { Isolator, Launched, LaunchJob, Marked } from './isolator.js';
import { openPlaceLog } from './place-log.js';
import { statusPath } from './place-record.js';
import { plainMark, scanForPlain } from './scan.js';
import type { Roots, SessionPaths } from './session-paths.js';

export function createPlainIsolator(options: { roots: Roots; tools: () => Tools }): Isolator {
  const processesOf = (placeId: string) => scanForPlain(options.roots).filter((process) => process.placeId === placeId);

  const scan = (): Marked[] => {
    const oldest = new Map<string, Marked>();
    for (const { sessionId, placeId, monitor, init } of scanForPlain(options.roots)) {
      const name = `${sessionId}/${placeId}`;
      if (!oldest.has(name)) oldest.set(name, { sessionId, placeId, monitor, init });
    }
    return [...oldest.values()];
  };

  const kill = async ({ init }: { init: { pid: number; startTime: string } }, placeId: string): Promise<boolean> => {
    const gone = () => {
      // Again and again, for what is being killed may still start others.
      for (const each of processesOf(placeId)) sendSignal(each.init, 'SIGKILL');
      sendSignal(init, 'SIGKILL');
      return !isAlive(init) && processesOf(placeId).length === 0;
    };
    return waitUntil(gone, killTimeoutMs);
  };

  return {
    launch: (job) => launchPlain(job, options),
    scan,
    // Its code reads the host's own folders.
    mountsOf: () => null,
    commandOf: ({ init }) => (isAlive(init) ? init : null),
    terminate: ({ init }) => void sendSignal(init, 'SIGTERM'),
    kill,
    enforced: () => ({ memory: false, processes: false, cpu: false }),
    memoryKills: () => 0,
    forget: () => Promise.resolve(),
    layout: plainLayout,
  };
}

function plainLayout(paths: SessionPaths): PlaceLayout {
  const { workspace, home, state, agentSocket, gatewaySocket } = paths;
  return { workspace, home, state, agentSocket, gatewaySocket, mount: ({ source }) => source };
}

async function launchPlain(
  { spec, paths }: LaunchJob,
  { roots, tools }: { roots: Roots; tools: () => Tools },
): Promise<Launched> {
  const log = openPlaceLog(paths);
  const nothing = openSync('/dev/null', 'r+');
  try {
    const [file, ...args] = [...limitPrefix(tools(), spec.limits), ...spec.command];
    const env = { ...spec.environment, [plainMark]: [roots.dataDir, spec.sessionId, spec.placeId].join('\n') };
    const stdio = sealedStdio([nothing, log, log], nothing);
    const child = spawn(file ?? '', args, { detached: true, cwd: paths.workspace, env, stdio });
    // At once, while its number is surely its own: it may have ended already.
    const self = identifyEvenEnded(child.pid ?? 0);
    child.unref();
    const ended = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        // Nobody else sees the code; after the session was destroyed there is nowhere to write it.
        try {
          const exitCode = code ?? 128 + constants.signals[signal ?? 'SIGKILL'];
          writeFileSync(statusPath(paths, spec.placeId), `${JSON.stringify({ 'exit-code': exitCode })}\n`, {
            mode: 0o600,
          });
        } catch {
          // The report then says that nobody saw the end.
        }
        resolve();
      });
    });
    await Promise.race([once(child, 'spawn'), once(child, 'error').then(([error]) => Promise.reject(error as Error))]);
    if (self === null) throw new Error('/proc does not show it');
    return { monitor: self, init: self, ended, release: () => Promise.resolve() };
  } catch (error) {
    throw new ComputeError('start_failed', `The command could not be started: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    closeSync(log);
    closeSync(nothing);
  }
}
