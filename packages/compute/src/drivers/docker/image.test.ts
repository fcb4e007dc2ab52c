import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Preparing } from '../../driver.js';
import { createEngineClient } from './client.js';
import { createImages } from './image.js';
import type { Images } from './image.js';

const image = 'registry.example/team/image:1';
let folder: string;
let server: Server;
let images: Images;
let hasIt: boolean;
/** What is fetched now, to be told on by the test. */
let pulls: ServerResponse[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rc-'));
  [hasIt, pulls] = [false, []];
  server = createServer((request, response) => {
    if (!request.url?.startsWith('/images/create')) {
      response.writeHead(hasIt ? 200 : 404, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify(hasIt ? { Id: 'image' } : { message: 'no such image' }));
    }
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    pulls.push(response);
  });
  const socket = join(folder, 'engine.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const clientOf = (silenceMs: number) => createEngineClient({ host: `unix://${socket}`, tls: null, silenceMs });
  images = createImages({ client: clientOf(30_000), pulling: clientOf(2_000) });
});
afterEach(async () => {
  images.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const pulled = () => vi.waitFor(() => pulls[0] ?? Promise.reject(new Error('nothing is asked for')), 20_000);
const say = (pull: ServerResponse, ...events: object[]) =>
  pull.write(events.map((event) => `${JSON.stringify(event)}\r\n`).join(''));
const layer = (id: string, status: string, current: number) => ({
  id,
  status,
  progressDetail: { current, total: 100 },
});
const refused = (words: string) => ({ code: 'prepare_failed', message: expect.stringContaining(words) });

it('fetches an image once for all who want it, and says to each how far that is, never less than before', async () => {
  const told: [Preparing[], Preparing[]] = [[], []];
  const wanted = told.map((heard) => images.ensure(image, (how) => heard.push(how)));
  const pull = await pulled();
  say(pull, { status: 'Pulling from team/image' }, layer('one', 'Downloading', 50), layer('one', 'Downloading', 100));
  // Half a line, and one that is none of the engine's.
  pull.write('{"id":"two","status":"Downloa');
  pull.write('ding","progressDetail":{"current":0,"total":100}}\r\n<html>\r\n');
  say(pull, layer('one', 'Extracting', 60), layer('two', 'Downloading', 100), { id: 'one', status: 'Pull complete' });
  await vi.waitFor(() => expect(told[0].at(-1)?.percent).toBe(75), 20_000);
  hasIt = true;
  pull.end();
  await Promise.all(wanted);
  const percents = told[0].flatMap(({ percent }) => (percent === null ? [] : [percent]));
  expect(percents).toEqual([...percents].sort((one, other) => one - other));
  expect(percents[0]).toBe(25);
  expect(told[0][0]).toEqual({ what: 'Pulling image', percent: null });
  expect(told[1].at(-1)).toEqual({ what: 'Pulling image', percent: 75 });
  expect(pulls).toHaveLength(1);
  await images.ensure(image, () => {});
  expect(pulls).toHaveLength(1);
}, 60_000);

it('says why an image could not be fetched, and fetches it anew when it is asked again', async () => {
  const first = expect(images.ensure(image, () => {})).rejects.toMatchObject(refused('manifest unknown'));
  (await pulled()).end(`${JSON.stringify({ error: 'manifest unknown' })}\r\n`);
  await first;
  const second = images.ensure(image, () => {});
  await vi.waitFor(() => expect(pulls).toHaveLength(2), 20_000);
  hasIt = true;
  pulls[1]?.end();
  await second;
}, 60_000);

it('does not take an end for an image, nor wait for ever for one', async () => {
  const ended = expect(images.ensure(image, () => {})).rejects.toMatchObject(refused('does not have it'));
  (await pulled()).end();
  await ended;
  // Nothing more comes.
  await expect(images.ensure(image, () => {})).rejects.toMatchObject(refused('silent for too long'));
}, 60_000);

it('breaks off when it is closed, and fetches nothing from a registry that is not named', async () => {
  await expect(images.ensure('image', () => {})).rejects.toMatchObject(refused('says no registry'));
  const left = expect(images.ensure(image, () => {})).rejects.toMatchObject({ code: 'prepare_failed' });
  const pull = await pulled();
  const gone = new Promise((resolve) => pull.once('close', resolve));
  images.close();
  await Promise.all([left, gone]);
}, 60_000);
