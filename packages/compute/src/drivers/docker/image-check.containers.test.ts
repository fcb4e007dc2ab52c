import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeDockerHarness } from '../../testing/docker/harness.js';
import type { DockerHarness } from '../../testing/docker/harness.js';
import { providedEngine } from '../../testing/engine.js';
import { createEngineClient } from './client.js';
import { examineImage } from './examine-image.js';

const { socketPath, sessionImage, baseImage } = providedEngine();
const address = { host: `unix://${socketPath}`, tls: null };
let docker: Docker;
let harness: DockerHarness;
const made: string[] = [];

beforeAll(async () => {
  docker = await createEngineClient(address)();
  harness = await makeDockerHarness({ host: address.host, image: sessionImage, runtime: 'runc' });
});
afterAll(async () => {
  await harness?.close();
  for (const image of made) await docker.getImage(image).remove({ force: true });
});

/** An image with these files and links, and nothing else. */
const imageOf = async (files: Record<string, string | { link: string }>): Promise<string> => {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'string') archive.entry({ name, mode: 0o755 }, content);
    else archive.entry({ name, type: 'symlink', linkname: content.link });
  }
  archive.finalize();
  const image = `${harness.options.prefix}/made-${made.length}:test`;
  const [repo, tag] = image.split(':');
  const stream = await docker.importImage(archive as unknown as NodeJS.ReadableStream, { repo, tag });
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error))),
  );
  made.push(image);
  return image;
};

const loader = process.arch === 'arm64' ? 'lib/ld-linux-aarch64.so.1' : 'lib64/ld-linux-x86-64.so.2';
const musl = process.arch === 'arm64' ? 'lib/ld-musl-aarch64.so.1' : 'lib/ld-musl-x86_64.so.1';
const whole = {
  'bin/sh': '',
  'bin/bash': '',
  'usr/bin/git': '',
  'usr/bin/flock': '',
  'etc/ssl/certs/ca-certificates.crt': '',
  [loader]: '',
};
const library = (version: string): string =>
  `\0GNU C Library (GNU libc) stable release version ${version}, by many.\n\0`;

it('finds nothing amiss with what sessions are made of as it ships', async () => {
  expect(await examineImage(address, sessionImage)).toEqual([]);
}, 120_000);

it('says what plain Debian lacks, and how to add it', async () => {
  const found = await examineImage(address, baseImage);
  const git = found.find(({ what }) => what.includes('git'));
  expect(git).toMatchObject({ isFatal: true, mend: expect.stringContaining('apt-get install --yes git') });
  expect(found.filter(({ what }) => /glibc|musl|sh\b/.test(what))).toEqual([]);
  const spec = {
    sessionId: 'i1',
    placeId: 'p1',
    disk: 'new' as const,
    command: harness.commands.idle,
    ...harness.base,
    image: baseImage,
  };
  await expect(harness.driver.start(spec)).rejects.toMatchObject({
    code: 'prepare_failed',
    message: expect.stringContaining('It has no git.'),
  });
  expect(await harness.driver.list()).toEqual([]);
}, 120_000);

it('tells musl, a glibc that is too old, and one that is there behind links', async () => {
  const { [loader]: _none, ...without } = whole;
  const wordsOf = async (files: Parameters<typeof imageOf>[0]) =>
    (await examineImage(address, await imageOf(files))).map(({ what }) => what);
  expect(await wordsOf({ ...without, [musl]: '' })).toEqual([expect.stringContaining('musl')]);
  expect(await wordsOf(without)).toEqual([expect.stringContaining('no glibc')]);
  expect(await wordsOf({ ...whole, 'lib64/libc.so.6': library('2.17') })).toEqual([expect.stringContaining('2.17')]);
  const linked = { 'lib64/libc.so.6': { link: 'libc-2.36.so' }, 'lib64/libc-2.36.so': library('2.36') };
  expect(await wordsOf({ ...whole, ...linked })).toEqual([]);
  const loop = { 'lib64/libc.so.6': { link: 'libc.so.7' }, 'lib64/libc.so.7': { link: 'libc.so.6' } };
  expect(await wordsOf({ ...whole, ...loop })).toEqual([]);
}, 120_000);

it('makes a place of the image that is asked for', async () => {
  const image = `${harness.options.prefix}/another:test`;
  await docker.getImage(sessionImage).tag({ repo: image.split(':')[0] ?? '', tag: 'test' });
  made.push(image);
  const spec = {
    sessionId: 'i2',
    placeId: 'p2',
    disk: 'new' as const,
    command: harness.commands.idle,
    ...harness.base,
    image,
  };
  const { handle } = await harness.driver.start(spec);
  expect((await harness.driver.inspect(handle)).status).toBe('running');
  const [container] = await docker.listContainers({ filters: { label: ['remote-claude.session=i2'] } });
  expect(container?.Image).toBe(image);
}, 120_000);
