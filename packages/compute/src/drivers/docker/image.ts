/** The image that places are made of: whether the engine has it, and fetching it where it has not. */
import type Docker from 'dockerode';
import { ComputeError } from '../../driver.js';
import { orNull, wordsOf } from './client.js';
import type { EngineClient } from './client.js';

export interface Images {
  /** Returns when the engine has it; the step says how far it is. Errors: `start_failed`. */
  ensure(image: string, progress: (step: string) => void): Promise<void>;
}

interface PullEvent {
  id?: string;
  error?: string;
  progressDetail?: { current?: number; total?: number };
}

/** A name without one would be looked for at a registry where it may be anybody's. */
export const namesRegistry = (image: string): boolean => /^[^/]*[.:][^/]*\/|^localhost\//.test(image);

export function createImages(client: EngineClient): Images {
  const pulls = new Map<string, Promise<void>>();
  const listeners = new Map<string, Set<(step: string) => void>>();

  const pull = async (docker: Docker, image: string): Promise<void> => {
    const stream = await docker.pull(image);
    const layers = new Map<string, { current: number; total: number }>();
    await new Promise<void>((resolve, reject) => {
      const seen = (event: PullEvent): void => {
        const { id, progressDetail, error } = event;
        if (error !== undefined) return reject(new Error(error));
        if (id === undefined || progressDetail?.total === undefined) return;
        layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
        const sum = (key: 'current' | 'total') => [...layers.values()].reduce((all, layer) => all + layer[key], 0);
        const percent = Math.floor((100 * sum('current')) / Math.max(1, sum('total')));
        for (const tell of listeners.get(image) ?? []) tell(`Fetching the image ${image} (${percent} %)`);
      };
      docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)), seen);
    });
  };

  return {
    async ensure(image, progress) {
      const docker = await client();
      if ((await orNull(docker.getImage(image).inspect())) !== null) return;
      if (!namesRegistry(image)) {
        const words = `The engine does not have the image ${image}, and its name says no registry to fetch it from.`;
        throw new ComputeError('start_failed', `${words} Build it there, or name it with its registry.`);
      }
      progress(`Fetching the image ${image}`);
      const told = listeners.get(image) ?? new Set();
      listeners.set(image, told.add(progress));
      const pulling = pulls.get(image) ?? pull(docker, image);
      pulls.set(image, pulling);
      try {
        await pulling;
      } catch (error) {
        const words = `The engine does not have the image ${image} and could not fetch it: ${wordsOf(error)}`;
        throw new ComputeError('start_failed', words, { cause: error });
      } finally {
        told.delete(progress);
        if (pulls.get(image) === pulling) pulls.delete(image);
      }
    },
  };
}
