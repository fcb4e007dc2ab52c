/** The images that places are made of: whether the engine has one, and fetching it where it has not. */
import type Docker from 'dockerode';
import { ComputeError } from '../../driver.js';
import { orNull, wordsOf } from './client.js';
import type { EngineClient } from './client.js';
import { createAudience, createPercents } from './progress.js';
import type { Audience, TellPreparing } from './progress.js';

export interface Images {
  /** Returns when the engine has it. For all who ask at once it is fetched once. Errors: `prepare_failed`. */
  ensure(image: string, tell: TellPreparing): Promise<void>;
  /** Breaks off what is being fetched; the engine keeps the layers that it has. */
  close(): void;
}

interface PullEvent {
  id?: string;
  status?: string;
  error?: string;
  progressDetail?: { current?: number; total?: number };
}

/** A name without one would be looked for at a registry where it may be anybody's. */
export const namesRegistry = (image: string): boolean => /^[^/]*[.:][^/]*\/|^localhost\//.test(image);

const maxLine = 1_000_000;

/** `pulling`: as `client`, with the patience that the fetching of an image needs. */
export function createImages({ client, pulling }: { client: EngineClient; pulling: EngineClient }): Images {
  const pulls = new Map<string, { done: Promise<void>; audience: Audience }>();
  const ending = new AbortController();

  const pull = async (image: string, audience: Audience): Promise<void> => {
    const docker = await pulling();
    audience.tell({ what: 'Pulling image', percent: null });
    const stream = await docker.pull(image, { abortSignal: ending.signal });
    const { layers, see } = createLayers();
    const say = createPercents('Pulling image', audience.tell);
    for await (const event of eventsOf(stream)) {
      if (event.error !== undefined) throw new Error(event.error);
      see(event);
      const { done, total } = layers();
      if (total > 0) say(done, total);
    }
    // Whatever an engine says at the end of it: what counts is that it has it.
    if (!(await hasImage(docker, image))) throw new Error('the engine says that it is done, and does not have it');
  };

  return {
    async ensure(image, tell) {
      if (await hasImage(await client(), image)) return;
      if (!namesRegistry(image)) {
        const words = `The engine does not have the image ${image}, and its name says no registry to fetch it from.`;
        throw new ComputeError('prepare_failed', `${words} Build it there, or name it with its registry.`);
      }
      const known = pulls.get(image) ?? begin(image);
      const leave = known.audience.add(tell);
      try {
        await known.done;
      } catch (error) {
        const words = `The engine does not have the image ${image} and could not fetch it: ${wordsOf(error)}`;
        throw new ComputeError('prepare_failed', words, { cause: error });
      } finally {
        leave();
      }
    },
    close: () => ending.abort(),
  };

  function begin(image: string) {
    const audience = createAudience();
    const pulled = { audience, done: pull(image, audience) };
    pulls.set(image, pulled);
    const forget = (): void => void pulls.delete(image);
    pulled.done.then(forget, forget);
    return pulled;
  }
}

export const hasImage = async (docker: Docker, image: string): Promise<boolean> =>
  (await orNull(docker.getImage(image).inspect())) !== null;

/** A line each. What is none of the engine's own is left out: its end says whether the image is there. */
async function* eventsOf(stream: NodeJS.ReadableStream): AsyncGenerator<PullEvent> {
  stream.setEncoding('utf8');
  let rest = '';
  for await (const part of stream) {
    const lines = (rest + String(part)).split('\n');
    rest = (lines.pop() ?? '').slice(0, maxLine);
    for (const line of lines) {
      const event = parsed(line);
      if (event !== null) yield event;
    }
  }
}

function parsed(line: string): PullEvent | null {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === 'object' ? event : null;
  } catch {
    return null;
  }
}

/** A layer is fetched and then unpacked, and both count; how large it is, is known when its turn comes. */
function createLayers() {
  const found = new Map<string, { fetched: number; unpacked: number; total: number }>();
  return {
    see({ id, status = '', progressDetail }: PullEvent): void {
      if (id === undefined) return;
      const layer = found.get(id) ?? { fetched: 0, unpacked: 0, total: 0 };
      layer.total = Math.max(layer.total, progressDetail?.total ?? 0);
      if (status === 'Downloading') layer.fetched = progressDetail?.current ?? layer.fetched;
      if (status === 'Extracting') layer.unpacked = progressDetail?.current ?? layer.unpacked;
      if (status !== 'Downloading' && layer.total > 0) layer.fetched = layer.total;
      if (status === 'Pull complete') layer.unpacked = layer.total;
      if (layer.total > 0) found.set(id, layer);
    },
    layers: () =>
      [...found.values()].reduce(
        (all, { fetched, unpacked, total }) => ({
          done: all.done + fetched + unpacked,
          total: all.total + 2 * total,
        }),
        { done: 0, total: 0 },
      ),
  };
}
