/** Looks at an image on an engine before any session wants it, for whoever sets a site up. It makes no place. */
import { ComputeError } from '../../driver.js';
import { createEngineClient, createPullingClient, wordsOf } from './client.js';
import type { EngineAddress } from './client.js';
import { createImageChecks } from './image-check.js';
import type { ImageFinding } from './image-check.js';
import { createImages } from './image.js';

/** Fetches it where the engine has it not. Errors: `not_ready`, `prepare_failed`. */
export async function examineImage(engine: EngineAddress, image: string): Promise<ImageFinding[]> {
  const client = createEngineClient(engine);
  try {
    await createImages({ client, pulling: createPullingClient(engine) }).ensure(image, () => {});
    return await createImageChecks({ client, installation: 'doctor' }).look(image);
  } catch (error) {
    if (error instanceof ComputeError) throw error;
    throw new ComputeError('not_ready', `The container engine at ${engine.host} cannot be used: ${wordsOf(error)}`);
  }
}
