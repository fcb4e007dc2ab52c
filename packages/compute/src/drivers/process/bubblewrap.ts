/**
 * Encloses a command with bubblewrap. The child is made, named and limited while it waits at a gate, and begins
 * only when it is released: a server that dies in between leaves a child that never runs. It does not know records.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { ComputeError } from '../../driver.js';
import {
  bubblewrapArguments,
  environmentArguments,
  insideLayout,
  limitPrefix,
  readIdentityCard,
  readReadOnlySources,
  userPrefix,
} from './bubblewrap-arguments.js';
import type { Tools } from './bubblewrap-arguments.js';
import { createCgroups, enforcedOnProcess } from './cgroups.js';
import { sealedStdio } from './child-descriptors.js';
import { childrenOf, identify, innermostPid, isAlive, readText, sendSignal, waitUntil } from './host-processes.js';
import type { ProcessIdentity } from './host-processes.js';
import { killTimeoutMs } from './isolator.js';
import type { Isolator, Launched, LaunchJob } from './isolator.js';
import { openPlaceLog, tailOfPlaceLog } from './place-log.js';
import { readEvents, statusPath } from './place-record.js';
import type { PlaceProcesses } from './place-record.js';
import { runTool } from './run-tool.js';
import { scanForBubblewrap } from './scan.js';
import type { Roots } from './session-paths.js';
import { userScopePrefix } from './user-scope.js';

export interface BubblewrapOptions {
  roots: Roots;
  tools: () => Tools;
  ownEtcFolder: string;
  /** Null where there is none for this processor: no place starts then. */
  seccompFilter: Buffer | null;
  childEnv: Record<string, string>;
}

const launchTimeoutMs = 20_000;
/** The monitor and the namespace's first process are no processes of the session. */
const ownProcesses = 2;

export function createBubblewrapIsolator(options: BubblewrapOptions): Isolator {
  const asRoot = process.getuid?.() === 0;
  const cgroups = createCgroups();
  const groupOf = (key: string) => `place-${key}`;

  const commandLine = async ({ spec, paths, owner }: LaunchJob): Promise<string[]> => {
    const tools = options.tools();
    return [
      ...(asRoot ? [] : await userScopePrefix(spec.limits, paths.key, options.childEnv)),
      ...limitPrefix(tools, spec.limits),
      ...(asRoot ? userPrefix(tools, owner.uid) : []),
      tools.bwrap,
      ...bubblewrapArguments(spec, paths, options.ownEtcFolder),
    ];
  };

  const launch = async (job: LaunchJob): Promise<Launched> => {
    const { spec, paths } = job;
    if (options.seccompFilter === null)
      throw new ComputeError('not_ready', `There is no system call filter for the processor ${process.arch}.`);
    const group = groupOf(paths.key);
    if (asRoot) {
      await cgroups.remove(group);
      cgroups.create(group, { ...spec.limits, processes: spec.limits.processes + ownProcesses });
    }
    const gate = await makeGate(join(paths.notes, 'gate'), options.childEnv);
    try {
      const child = await spawnSealed(job, await commandLine(job), gate, options);
      const processes = await firstProcesses(child, job);
      if (asRoot) for (const { pid } of [processes.monitor, processes.init]) cgroups.enter(group, pid);
      return { ...processes, ended: endOf(child), release: () => openGate(gate, processes, job) };
    } catch (error) {
      closeSync(gate);
      throw error instanceof ComputeError ? error : comeDown(job, error);
    }
  };

  return {
    launch,
    scan: () => scanForBubblewrap(options.roots),
    commandOf,
    mountsOf: ({ init, monitor }) =>
      [init, monitor]
        .filter(isAlive)
        .map(({ pid }) => readReadOnlySources((readText(`/proc/${pid}/cmdline`) ?? '').split('\0')))
        .find((sources) => sources !== null) ?? null,
    terminate: (processes) => {
      const command = commandOf(processes);
      if (command !== null) sendSignal(command, 'SIGTERM');
    },
    kill: killAll,
    enforced: ({ init }, key) => (asRoot ? cgroups.enforced(groupOf(key)) : enforcedOnProcess(init.pid)),
    memoryKills: (key) => (asRoot ? cgroups.memoryKills(groupOf(key)) : 0),
    forget: (key) => (asRoot ? cgroups.remove(groupOf(key)) : Promise.resolve()),
    layout: () => ({ ...insideLayout, mount: ({ target }) => target }),
  };
}

/** Number 2 of the namespace, which its first process waits for. */
function commandOf({ init }: { init: ProcessIdentity }): ProcessIdentity | null {
  if (!isAlive(init)) return null;
  const pid = childrenOf(init.pid).find((child) => innermostPid(child) === 2);
  return pid === undefined ? null : identify(pid);
}

/** Killing the first process makes the kernel kill all others; the monitor alone would leave them running. */
async function killAll({ monitor, init }: { monitor: ProcessIdentity; init: ProcessIdentity }): Promise<boolean> {
  // Where the command has just ended, the monitor must see that before it sees our kill.
  if (commandOf({ init }) === null) await waitUntil(() => !isAlive(monitor), 500);
  // A child that the monitor has only just made is not yet in the handle of a place that nobody wrote down.
  for (const pid of isAlive(monitor) ? childrenOf(monitor.pid) : []) {
    const child = identify(pid);
    if (child !== null) sendSignal(child, 'SIGKILL');
  }
  sendSignal(init, 'SIGKILL');
  // The monitor writes the exit code and leaves by itself.
  if (!(await waitUntil(() => !isAlive(init), killTimeoutMs))) return false;
  if (await waitUntil(() => !isAlive(monitor), 500)) return true;
  sendSignal(monitor, 'SIGKILL');
  return waitUntil(() => !isAlive(monitor), killTimeoutMs);
}

/** A pipe that stays open however this server ends: the child holds both its ends. */
async function makeGate(path: string, env: Record<string, string>): Promise<number> {
  rmSync(path, { force: true });
  const made = await runTool(['mkfifo', '--mode=0600', '--', path], env);
  if (made.code !== 0)
    throw new ComputeError('start_failed', `The place's gate could not be made: ${made.output.trim()}`);
  try {
    return openSync(path, constants.O_RDWR);
  } finally {
    rmSync(path, { force: true });
  }
}

/** Lets the command begin, and waits until it has: bwrap reports the end of a command only where it came to run. */
async function openGate(gate: number, processes: PlaceProcesses, job: LaunchJob): Promise<void> {
  writeSync(gate, 'x');
  closeSync(gate);
  const { monitor, init } = processes;
  const hasRun = () => readEvents(job.paths, job.spec.placeId).exitCode !== null;
  await waitUntil(() => isBegun(commandOf(processes)) || !isAlive(init) || hasRun(), launchTimeoutMs);
  if (isBegun(commandOf(processes))) return;
  await waitUntil(() => hasRun() || !isAlive(monitor), 1_000);
  if (!hasRun()) throw comeDown(job);
}

/** Until it becomes the command, the process is a copy of bwrap, card and all; on its way out it has no text at all. */
function isBegun(command: ProcessIdentity | null): boolean {
  if (command === null) return false;
  const commandLine = readText(`/proc/${command.pid}/cmdline`) ?? '';
  return commandLine !== '' && readIdentityCard(commandLine.split('\0')) === null && isAlive(command);
}

/** Nothing of the session has written to the log yet: it says what bwrap said. */
function comeDown({ paths }: LaunchJob, cause?: unknown): ComputeError {
  const said = tailOfPlaceLog(paths);
  return new ComputeError('start_failed', `The place did not come up${said === '' ? '' : `: ${said}`}`, { cause });
}

async function spawnSealed(
  job: LaunchJob,
  argv: string[],
  gate: number,
  options: BubblewrapOptions,
): Promise<ChildProcess> {
  const { spec, paths } = job;
  const opened: number[] = [];
  const keep = (fd: number) => {
    opened.push(fd);
    return fd;
  };
  try {
    const log = keep(openPlaceLog(paths));
    const status = keep(openSync(statusPath(paths, spec.placeId), 'w', 0o600));
    const nothing = keep(openSync('/dev/null', 'r+'));
    const stdio = sealedStdio([nothing, log, log, status, gate, 'pipe' as const, 'pipe' as const], nothing);
    const [file, ...args] = argv;
    // Its own session and process group: a Ctrl+C at the server's terminal ends the server alone. The helpers run with
    // the helpers' environment, for some are root here and the place's comes from users.
    const child = spawn(file ?? '', args, { detached: true, cwd: '/', env: options.childEnv, stdio });
    child.unref();
    const sent = [
      sendAll(child, 5, environmentArguments(spec.environment)),
      sendAll(child, 6, options.seccompFilter ?? ''),
    ];
    await Promise.race([once(child, 'spawn'), once(child, 'error').then(([error]) => Promise.reject(error as Error))]);
    await Promise.all(sent);
    return child;
  } catch (error) {
    throw new ComputeError('start_failed', `The place could not be started: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** Writes all and closes; a child that ended early is found out elsewhere. */
function sendAll(child: ChildProcess, fd: number, data: string | Buffer): Promise<void> {
  const pipe = child.stdio[fd] as Writable | null | undefined;
  if (!pipe) return Promise.resolve();
  return new Promise((resolve) => {
    pipe.on('error', () => resolve());
    pipe.on('close', () => resolve());
    pipe.end(data, () => pipe.destroy());
  });
}

function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** Waits until bwrap has made the namespaces and written the first process's number. */
async function firstProcesses(
  child: ChildProcess,
  job: LaunchJob,
): Promise<{ monitor: ProcessIdentity; init: ProcessIdentity }> {
  const { spec, paths } = job;
  const monitor = child.pid === undefined ? null : identify(child.pid);
  const over = () => child.exitCode !== null || child.signalCode !== null;
  await waitUntil(() => over() || readEvents(paths, spec.placeId).childPid !== null, launchTimeoutMs);
  const { childPid } = readEvents(paths, spec.placeId);
  const init = childPid === null ? null : identify(childPid);
  if (monitor !== null && init !== null && !over()) return { monitor, init };
  if (init !== null) sendSignal(init, 'SIGKILL');
  if (monitor !== null) sendSignal(monitor, 'SIGKILL');
  throw comeDown(job);
}
