/**
 * The disk of a session on the engine: three volumes with marks of ours. A volume that the engine makes by itself for whoever
 * names one has none of them, and does not count as a disk. It does not know containers.
 */
import type Docker from 'dockerode';
import { ComputeError } from '../../driver.js';
import { orNull, unlessSo } from './client.js';
import { disksOf, labels } from './names.js';
import type { Naming } from './names.js';

type Marks = Record<string, string> | null | undefined;

const marksOf = ({ installation }: Naming, sessionId: string) => ({
  [labels.installation]: installation,
  [labels.session]: sessionId,
});

const isOurs = (naming: Naming, sessionId: string, found: Marks): boolean =>
  Object.entries(marksOf(naming, sessionId)).every(([label, value]) => found?.[label] === value);

/** Makes what is missing of a disk that may be made. Errors: `start_failed` where something else has its name. */
export async function makeDisk(docker: Docker, naming: Naming, sessionId: string): Promise<void> {
  // One that is there already stays as it is.
  for (const { name } of disksOf(naming, sessionId))
    await docker.createVolume({ Name: name, Labels: marksOf(naming, sessionId) });
  const [foreign] = await findMissing(docker, naming, sessionId);
  if (foreign === undefined) return;
  throw new ComputeError(
    'start_failed',
    `A volume ${foreign.name} without the labels of this site is on the engine; remove it, or give it another name.`,
  );
}

/** Those of the session's volumes that are not there, or that are none of ours. */
async function findMissing(docker: Docker, naming: Naming, sessionId: string) {
  const found = await Promise.all(
    disksOf(naming, sessionId).map(async ({ name }) => {
      const volume = await orNull(docker.getVolume(name).inspect());
      return { name, isThere: volume !== null, isOurs: isOurs(naming, sessionId, volume?.Labels) };
    }),
  );
  return found.filter((volume) => !volume.isOurs);
}

/** Errors: `disk_gone` where not all of it is there. */
export async function requireDisk(docker: Docker, naming: Naming, sessionId: string): Promise<void> {
  const missing = await findMissing(docker, naming, sessionId);
  if (missing.length === 0) return;
  const words = missing.map(({ name, isThere }) => (isThere ? `${name} (one without the labels of this site)` : name));
  const volumes = words.length === 1 ? 'the volume' : 'the volumes';
  throw new ComputeError(
    'disk_gone',
    `The disk of this session is gone: it had been made, and ${volumes} ${words.join(', ')} cannot be found on the container engine.`,
  );
}

/** Takes away what the engine has made by itself, for a container that is gone again, in the moment after it was all there. */
export async function dropUnmarked(docker: Docker, naming: Naming, sessionId: string): Promise<void> {
  for (const { name, isThere } of await findMissing(docker, naming, sessionId))
    if (isThere) await unlessSo(docker.getVolume(name).remove());
}
