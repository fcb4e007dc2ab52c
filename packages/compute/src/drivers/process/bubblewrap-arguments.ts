/**
 * The command line that makes a bubblewrap place, as pure functions. It does not start anything. The place's
 * environment is not in here: it goes to bwrap through a descriptor, never as an argument.
 */
import { join } from 'node:path';
import type { PlaceLayout, PlaceLimits, PlaceSpec } from '../../driver.js';
import { readText } from './host-processes.js';
import { placeHostname, placeUser, systemArguments } from './host-system.js';
import type { SessionPaths } from './session-paths.js';

/** Descriptor numbers that bwrap is given. */
const descriptors = { status: 3, gate: 4, environment: 5, seccomp: 6 } as const;

const runInside = '/run/remote-claude';
/** A link inside whose target names the place; on the host it marks the command line of the place's bwrap. */
const identityCard = `${runInside}/place`;

export const insideLayout: Omit<PlaceLayout, 'mount'> = {
  workspace: '/workspace',
  home: placeUser.home,
  state: '/var/lib/remote-claude',
  agentSocket: `${runInside}/agent/agent.sock`,
  gatewaySocket: `${runInside}/gateway/gateway.sock`,
};

const capSysResource = 24n;

export interface Tools {
  bwrap: string;
  setpriv: string;
  prlimit: string;
  flock: string;
}

/**
 * Open files and core dumps are limited before anything of the session runs. One byte of core, not none: that alone also
 * keeps the kernel from handing a dump to a program of the host.
 */
export function limitPrefix(tools: Tools, limits: PlaceLimits): string[] {
  const openFiles = Math.min(limits.openFiles, mostOpenFiles());
  return [tools.prlimit, `--nofile=${openFiles}:${openFiles}`, '--core=1:1', '--'];
}

/** Who lacks CAP_SYS_RESOURCE, root in a container included, cannot go above the limit it was given itself. */
function mostOpenFiles(): number {
  const capabilities = /^CapEff:\s+([0-9a-f]+)/m.exec(readText('/proc/self/status') ?? '')?.[1] ?? '0';
  if ((BigInt(`0x${capabilities}`) >> capSysResource) & 1n) return Number.POSITIVE_INFINITY;
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readText('/proc/self/limits') ?? '')?.[1];
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard);
}

/** From root to the session's uid, for good. */
export function userPrefix(tools: Tools, uid: number): string[] {
  return [tools.setpriv, `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs'];
}

/** The parts of a place that need nothing of a session; the probe tries them too. */
export function enclosureArguments(ownEtcFolder: string): string[] {
  return [
    ...['--unshare-all', '--unshare-user', '--disable-userns'],
    ...['--uid', String(placeUser.uid), '--gid', String(placeUser.gid), '--hostname', placeHostname],
    ...systemArguments(ownEtcFolder),
    ...['--proc', '/proc', '--dev', '/dev', '--perms', '1777', '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
  ];
}

export function bubblewrapArguments(spec: PlaceSpec, paths: SessionPaths, ownEtcFolder: string): string[] {
  const temporaryBytes = String(Math.max(16 * 1024 * 1024, Math.floor(spec.limits.memoryBytes / 2)));
  return [
    ...enclosureArguments(ownEtcFolder),
    ...['--size', temporaryBytes, '--perms', '1777', '--tmpfs', '/tmp'],
    ...['/home', '/run', runInside, '/var', '/var/lib'].flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...['--symlink', '/tmp', '/var/tmp', '--symlink', '/run', '/var/run'],
    ...['--bind', paths.workspace, insideLayout.workspace],
    ...['--bind', paths.home, insideLayout.home],
    ...['--bind', paths.state, insideLayout.state],
    // The folders of the sockets, never the sockets: a bound file refuses for ever once its listener was replaced.
    ...['--bind', paths.agentFolder, `${runInside}/agent`],
    ...['--ro-bind', paths.gatewayFolder, `${runInside}/gateway`],
    ...(spec.readOnlyMounts ?? []).flatMap(({ source, target }) => ['--ro-bind', source, target]),
    ...['--symlink', join(spec.sessionId, spec.placeId), identityCard],
    ...['--remount-ro', '/', '--chdir', insideLayout.workspace],
    ...['--json-status-fd', String(descriptors.status), '--block-fd', String(descriptors.gate)],
    ...['--args', String(descriptors.environment), '--seccomp', String(descriptors.seccomp)],
    ...['--', ...spec.command],
  ];
}

/** What goes through the environment's descriptor: bwrap's own environment is the helpers', the place's is only this. */
export function environmentArguments(environment: Record<string, string>): string {
  const set = Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]);
  return ['--clearenv', ...set].map((argument) => `${argument}\0`).join('');
}

/** Session and place of a bwrap command line, or null. The caller still checks whose process that is. */
export function readIdentityCard(commandLine: string[]): { sessionId: string; placeId: string } | null {
  const at = commandLine.indexOf(identityCard);
  const [sessionId, placeId, ...more] = (commandLine[at - 1] ?? '').split('/');
  if (at < 2 || commandLine[at - 2] !== '--symlink' || !sessionId || !placeId || more.length > 0) return null;
  return { sessionId, placeId };
}

/** What a bwrap command line mounts for reading; null where it is none. Options end where the command begins. */
export function readReadOnlySources(commandLine: string[]): string[] | null {
  if (readIdentityCard(commandLine) === null) return null;
  const end = commandLine.lastIndexOf('--seccomp');
  return commandLine.flatMap((argument, at) =>
    argument === '--ro-bind' && at < end && commandLine[at + 1] !== undefined ? [commandLine[at + 1] ?? ''] : [],
  );
}
