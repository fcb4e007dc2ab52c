/**
 * Folders of the server as read-only volumes of the engine, one per content: so they are there for an engine that sees
 * none of the server's files, and any image can be a session's. Filled over the engine's API, marked as whole at the
 * end; one that is half filled is filled anew. It does not know what the files are.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pack } from 'tar-stream';
import type Docker from 'dockerode';
import type { ReadOnlyMount } from '../../driver.js';
import { orNull, statusOf, unlessSo } from './client.js';
import type { EngineClient } from './client.js';
import { labels } from './names.js';
import { createAudience, createPercents } from './progress.js';
import type { Audience, TellPreparing } from './progress.js';
import type { Naming } from './names.js';
import { putArchive } from './put-archive.js';
import { helperFor } from './template.js';
import type { ContainerRules, FilesMount } from './template.js';

interface FoundFile {
  /** Within the folder; ends with `/` where it is one. */
  name: string;
  path: string;
  bytes: number;
  mode: number;
}

/** No image has anything there. */
const target = `/files-${randomUUID()}`;
const bringing = 'Bringing Claude Code to the engine';
/** Last of all files. */
const wholeMark = '.whole';
const pauseMs = 200;
/** Whoever fills a volume for longer has died. */
const abandonedMs = 300_000;

export interface FilesVolumes {
  /** Volumes with the content that these folders have now, filled with the help of an image that the engine has. */
  ensure(mounts: readonly ReadOnlyMount[], image: string, tell: TellPreparing): Promise<FilesMount[]>;
  /** Removes those of other versions that no container has. */
  sweep(): Promise<void>;
  /** Breaks off what is being brought; whoever is next begins that anew. */
  close(): void;
}

interface Brought {
  volume: Promise<string>;
  audience: Audience;
}

export function createFilesVolumes(deps: {
  client: EngineClient;
  naming: Naming;
  rules: () => Promise<ContainerRules>;
}): FilesVolumes {
  const { client, naming, rules } = deps;
  /** By folder. What a server hands out does not change while it runs. */
  const known = new Map<string, Brought>();
  const ending = new AbortController();

  const bring = async (source: string, image: string, tell: TellPreparing): Promise<string> => {
    const docker = await client();
    const found = await findFiles(source);
    const hash = await hashOf(found);
    const volume = `${naming.prefix}-files-${hash.slice(0, 24)}`;
    const helperName = `${volume}-fill`;
    await docker.createVolume({
      Name: volume,
      Labels: { [labels.installation]: naming.installation, [labels.files]: hash },
    });
    const template = helperFor(
      { naming, rules: { ...(await rules()), image } },
      { name: helperName, volumes: [{ volume, target }], binds: [] },
    );
    const helper = await createAlone(docker, template, { name: helperName, tell, signal: ending.signal });
    const { signal } = ending;
    try {
      if ((await orNull(helper.infoArchive({ path: `${target}/${wholeMark}` }))) === null) {
        tell({ what: bringing, percent: null });
        await putArchive(helper, target, (archive) => writeFiles(archive, found, tell), signal);
        await putArchive(helper, target, (archive) => void archive.entry({ name: wholeMark, mode: 0o444 }, ''), signal);
      }
    } finally {
      await unlessSo(helper.remove({ force: true, v: true }));
    }
    return volume;
  };

  /** One that was removed since, with all that nobody used at the time, is made anew. */
  const isThere = async ({ volume }: Brought): Promise<boolean> =>
    (await orNull((await client()).getVolume(await volume).inspect())) !== null;

  const ensureOne = async (source: string, image: string, tell: TellPreparing): Promise<string> => {
    const before = known.get(source);
    if (before !== undefined) {
      const leave = before.audience.add(tell);
      try {
        if (await isThere(before)) return await before.volume;
      } finally {
        leave();
      }
      // Another caller may have begun anew.
      if (known.get(source) === before) known.delete(source);
      return ensureOne(source, image, tell);
    }
    const audience = createAudience();
    const leave = audience.add(tell);
    const brought = { audience, volume: bring(source, image, audience.tell).finally(audience.end) };
    known.set(source, brought);
    try {
      return await brought.volume;
    } catch (error) {
      if (known.get(source) === brought) known.delete(source);
      throw error;
    } finally {
      leave();
    }
  };

  return {
    close: () => ending.abort(),
    ensure: (mounts, image, tell) =>
      Promise.all(
        mounts.map(async ({ source, target: seenAt }) => ({
          volume: await ensureOne(source, image, tell),
          target: seenAt,
        })),
      ),
    async sweep() {
      const docker = await client();
      const ours = await Promise.all([...known.values()].map(({ volume }) => volume.catch(() => '')));
      // Of a server that has handed out nothing yet it is not known which it needs.
      if (ours.length === 0) return;
      const label = [`${labels.installation}=${naming.installation}`, labels.files];
      const { Volumes: found } = await docker.listVolumes({ filters: { label } });
      for (const { Name: name } of found) if (!ours.includes(name)) await unlessSo(docker.getVolume(name).remove());
    },
  };
}

/** The name is a lock among all servers of the engine: who has it fills, and others wait. */
async function createAlone(
  docker: Docker,
  template: Docker.ContainerCreateOptions,
  { name, tell, signal }: { name: string; tell: TellPreparing; signal: AbortSignal },
): Promise<Docker.Container> {
  /** Since when we see which one: the engine's clock may be another. */
  let seen: { id: string | null; sinceMs: number } = { id: null, sinceMs: 0 };
  for (;;) {
    signal.throwIfAborted();
    try {
      return await docker.createContainer(template);
    } catch (error) {
      if (statusOf(error) !== 409) throw error;
    }
    tell({ what: bringing, percent: null });
    const id = (await orNull(docker.getContainer(name).inspect()))?.Id ?? null;
    if (seen.id !== id) seen = { id, sinceMs: performance.now() };
    else if (id !== null && performance.now() - seen.sinceMs > abandonedMs)
      await unlessSo(docker.getContainer(id).remove({ force: true }));
    await sleep(pauseMs);
  }
}

async function findFiles(folder: string, prefix = ''): Promise<FoundFile[]> {
  const names = (await readdir(folder)).sort();
  const found = await Promise.all(
    names.map(async (name): Promise<FoundFile[]> => {
      const path = join(folder, name);
      const info = await lstat(path);
      if (info.isDirectory()) {
        const own = { name: `${prefix}${name}/`, path, bytes: 0, mode: 0o755 };
        return [own, ...(await findFiles(path, own.name))];
      }
      if (!info.isFile()) throw new Error(`${path} is neither a file nor a folder`);
      return [{ name: prefix + name, path, bytes: info.size, mode: (info.mode & 0o111) === 0 ? 0o644 : 0o755 }];
    }),
  );
  return found.flat();
}

async function hashOf(found: FoundFile[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, path, bytes, mode } of found) {
    hash.update(`${name}\0${mode}\0${bytes}\0`);
    if (!name.endsWith('/'))
      for await (const part of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(part as Buffer);
  }
  return hash.digest('hex');
}

/** One after the other, as streams: these are hundreds of megabytes. */
async function writeFiles(archive: Pack, found: FoundFile[], tell: TellPreparing): Promise<void> {
  const say = createPercents(bringing, tell);
  const total = found.reduce((all, { bytes }) => all + bytes, 0);
  let written = 0;
  for (const { name, path, bytes, mode } of found) {
    const header = { name, mode, uid: 0, gid: 0, mtime: new Date(0) };
    if (name.endsWith('/')) {
      archive.entry({ ...header, type: 'directory' });
      continue;
    }
    await new Promise<void>((resolve, reject) => {
      const entry = archive.entry({ ...header, size: bytes }, (error) => (error ? reject(error) : resolve()));
      const file = createReadStream(path, { highWaterMark: 1 << 20 });
      file.on('data', (part) => say((written += part.length), total));
      pipeline(file, entry).catch(reject);
    });
  }
}
