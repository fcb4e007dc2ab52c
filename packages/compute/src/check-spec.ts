/** Says what is wrong with a place's specification, before anything is made of it. It does not know engines. */
import { posix } from 'node:path';
import { ComputeError } from './driver.js';
import type { PlaceNeeds, PlaceSpec } from './driver.js';
import { isImageName } from './image-name.js';
import { isId } from './place-id.js';

/** Where read-only mounts may appear: nowhere that the session can write or that the system needs. */
const mountRoots = ['/opt/', '/etc/', '/mnt/', '/srv/'];
/** bubblewrap takes 9,000 arguments in all, three for each variable. */
const maxVariables = 2_000;

export function checkSpec(spec: PlaceSpec): void {
  const problem = problemOf(spec);
  if (problem !== null) throw new ComputeError('bad_spec', problem);
}

export function checkNeeds(needs: PlaceNeeds): void {
  const problem = needsProblem(needs);
  if (problem !== null) throw new ComputeError('bad_spec', problem);
}

function problemOf(spec: PlaceSpec): string | null {
  const { sessionId, placeId, disk, command, environment, limits } = spec;
  if (!isId(sessionId) || !isId(placeId)) return 'Session and place ids have 1 to 64 letters, digits, "_" or "-".';
  if (disk !== 'new' && disk !== 'existing') return 'The disk is neither new nor existing.';
  if (command.length === 0 || command[0] === '') return 'The command is empty.';
  if (command.some(hasZero)) return 'An argument of the command contains a zero byte.';
  const names = Object.keys(environment);
  if (names.length > maxVariables)
    return `The environment has ${names.length} variables; at most ${maxVariables} are possible.`;
  const badName = names.find((name) => name === '' || name.includes('=') || hasZero(name));
  if (badName !== undefined) return `"${badName}" cannot be a variable's name.`;
  const badValue = names.find((name) => hasZero(environment[name] ?? ''));
  if (badValue !== undefined) return `The variable ${badValue} contains a zero byte.`;
  if (!(limits.cpus > 0) || !Number.isFinite(limits.cpus)) return 'limits.cpus must be above 0.';
  for (const name of ['memoryBytes', 'processes', 'openFiles'] as const) {
    if (!Number.isSafeInteger(limits[name]) || limits[name] < 1)
      return `limits.${name} must be a whole number above 0.`;
  }
  return needsProblem(spec);
}

function needsProblem({ image, readOnlyMounts = [] }: PlaceNeeds): string | null {
  if (image !== undefined && !isImageName(image)) return `"${image}" is not the name of an image.`;
  return readOnlyMounts.map(mountProblem).find((found) => found !== null) ?? null;
}

function mountProblem({ source, target }: { source: string; target: string }): string | null {
  if (!posix.isAbsolute(source) || hasZero(source)) return `The mount source "${source}" is not an absolute path.`;
  const plain = posix.normalize(target) === target && !target.endsWith('/') && !hasZero(target);
  if (!plain || !mountRoots.some((root) => target.startsWith(root))) {
    return `The mount target "${target}" must be a plain path below ${mountRoots.join(', ')}.`;
  }
  return null;
}

function hasZero(text: string): boolean {
  return text.includes('\0');
}
