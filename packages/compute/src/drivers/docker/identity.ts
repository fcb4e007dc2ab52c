/**
 * What an engine is called by the servers that use it: a name in the labels of a small volume, so that it goes where the
 * volumes of sessions go, also by a backup onto another engine. It does not know what is kept under that name.
 */
import type Docker from 'dockerode';
import { ComputeError } from '../../driver.js';
import { orNull } from './client.js';
import { labels } from './names.js';
import type { Naming } from './names.js';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const markerVolume = ({ prefix }: Pick<Naming, 'prefix'>): string => `${prefix}-engine`;

/**
 * The engine's name; on one that has none it is its own id, which is written there by `make`. Of several servers that do
 * so at once, all get the same. Errors: `not_ready` where something else has the name of the volume.
 */
export async function identityOf(
  docker: Docker,
  naming: Pick<Naming, 'prefix' | 'installation'>,
  { ownId, make }: { ownId: string; make: boolean },
): Promise<string> {
  const name = markerVolume(naming);
  if (make)
    await docker.createVolume({
      Name: name,
      Labels: { [labels.installation]: naming.installation, [labels.engine]: ownId },
    });
  const volume = await orNull(docker.getVolume(name).inspect());
  if (volume === null) return ownId;
  // An engine may give null in place of none.
  const marks: Record<string, string> | null = volume.Labels;
  const id = marks?.[labels.engine];
  if (id !== undefined && uuid.test(id)) return id;
  throw new ComputeError(
    'not_ready',
    `The volume ${name} of the engine does not say in its label ${labels.engine} which engine it marks. Restore it with its labels, or remove it.`,
  );
}
