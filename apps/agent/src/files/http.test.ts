import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { agentPaths } from '@remote-claude/contract';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createFiles, createFilesHttp, type Files } from './index.js';

let base = '';
let tree = '';
let files: Files;
let server: Server;
let origin = '';

const startFiles = async (): Promise<void> => {
  files = await createFiles({ workspace: tree, stateDir: join(base, 'state'), log: () => {} });
};

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'files-http-'));
  tree = join(base, 'tree');
  await mkdir(tree);
  await startFiles();
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://agent');
    void createFilesHttp(files, () => {})
      .handle(request, response, url)
      .then((handled) => {
        if (!handled) response.writeHead(418).end();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await files.close();
  await rm(base, { recursive: true, force: true });
});

const content = (path: string): string => `${origin}${agentPaths.content}?path=${encodeURIComponent(path)}`;
const errorOf = async (response: Response): Promise<[number, string]> => {
  const body = (await response.json()) as { error: { code: string } };
  return [response.status, body.error.code];
};
const put = (path: string, body: string | Buffer, headers: Record<string, string>): Promise<Response> =>
  fetch(content(path), { method: 'PUT', body: typeof body === 'string' ? body : new Uint8Array(body), headers });
const post = (path: string, body: unknown): Promise<Response> =>
  fetch(origin + path, { method: 'POST', body: JSON.stringify(body) });

test('content: made, read in ranges, replaced by version, deleted', async () => {
  const made = await put('a.txt', '0123456789', { 'if-none-match': '*' });
  const etag = made.headers.get('etag')!;
  expect([made.status, ((await made.json()) as { etag: string }).etag]).toEqual([201, etag]);
  const whole = await fetch(content('a.txt'));
  expect([whole.status, await whole.text(), whole.headers.get('etag'), whole.headers.get('content-type')]).toEqual([
    200,
    '0123456789',
    etag,
    'application/octet-stream',
  ]);
  const ranges: Record<string, [number, string]> = {
    'bytes=2-4': [206, '234'],
    'bytes=7-': [206, '789'],
    'bytes=-2': [206, '89'],
    'bytes=5-99': [206, '56789'],
    'bytes=1-2,4-5': [200, '0123456789'],
    'lines=1': [200, '0123456789'],
  };
  for (const [range, [status, text]] of Object.entries(ranges)) {
    const part = await fetch(content('a.txt'), { headers: { range } });
    expect([range, part.status, await part.text()]).toEqual([range, status, text]);
  }
  expect(await errorOf(await fetch(content('a.txt'), { headers: { range: 'bytes=10-' } }))).toEqual([
    416,
    'range_invalid',
  ]);
  expect((await fetch(content('a.txt'), { headers: { 'if-none-match': `"x", ${etag}` } })).status).toBe(304);
  expect((await fetch(content('a.txt'), { method: 'HEAD' })).headers.get('content-length')).toBe('10');
  expect(await errorOf(await put('a.txt', 'x', {}))).toEqual([428, 'precondition_required']);
  expect(await errorOf(await put('a.txt', 'x', { 'if-match': '*' }))).toEqual([428, 'precondition_required']);
  expect(await errorOf(await put('a.txt', randomBytes(3_000_000), { 'if-none-match': '*' }))).toEqual([
    409,
    'edit_conflict',
  ]);
  const replaced = await put('a.txt', 'new', { 'if-match': etag });
  expect(replaced.status).toBe(200);
  expect(await errorOf(await put('a.txt', 'newer', { 'if-match': etag }))).toEqual([409, 'edit_conflict']);
  expect((await fetch(content('a.txt'), { method: 'DELETE' })).status).toBe(200);
  expect(await errorOf(await fetch(content('a.txt')))).toEqual([404, 'not_found']);
});

test('large content both ways, equal and with nothing left', async () => {
  const bytes = randomBytes(20_000_000);
  expect((await put('big', bytes, { 'if-none-match': '*' })).status).toBe(201);
  const back = Buffer.from(await (await fetch(content('big'))).arrayBuffer());
  expect(back.equals(bytes)).toBe(true);
  expect((await put('empty', '', { 'if-none-match': '*' })).status).toBe(201);
  expect(await (await fetch(content('empty'))).text()).toBe('');
  expect((await readdir(tree)).toSorted()).toEqual(['big', 'empty']);
});

test('a save whose sender goes away changes nothing', async () => {
  await writeFile(join(tree, 'a'), 'old');
  const { etag } = await files.stat('a');
  const request = httpRequest(content('a'), {
    method: 'PUT',
    headers: { 'if-match': etag!, 'content-length': '1000000' },
  });
  request.on('error', () => {});
  request.write(Buffer.alloc(500_000));
  await vi.waitFor(async () => expect((await readdir(tree)).length).toBe(2), { timeout: 10_000 });
  request.destroy();
  await vi.waitFor(async () => expect(await readdir(tree)).toEqual(['a']), { timeout: 10_000 });
  expect(await readFile(join(tree, 'a'), 'utf8')).toBe('old');
});

test('lists, makes, moves, and says what is wrong', async () => {
  expect((await post(agentPaths.mkdir, { path: 'x/y' })).status).toBe(201);
  await writeFile(join(tree, 'x/f'), 'f');
  const list = (await (await fetch(`${origin}${agentPaths.list}?path=x`)).json()) as { items: { path: string }[] };
  expect(list.items.map((node) => node.path)).toEqual(['x/y', 'x/f']);
  expect((await post(agentPaths.move, { path: 'x/f', to: 'x/y/g' })).status).toBe(200);
  expect(((await (await fetch(`${origin}${agentPaths.stat}?path=x/y/g`)).json()) as { size: number }).size).toBe(1);
  expect(await errorOf(await post(agentPaths.mkdir, { path: '../x' }))).toEqual([400, 'validation_failed']);
  expect(await errorOf(await post(agentPaths.mkdir, { path: '', more: 1 }))).toEqual([400, 'validation_failed']);
  expect(await errorOf(await fetch(origin + agentPaths.mkdir, { method: 'POST', body: '{' }))).toEqual([
    400,
    'bad_request',
  ]);
  expect(await errorOf(await fetch(origin + agentPaths.mkdir))).toEqual([405, 'method_not_allowed']);
  expect(await errorOf(await fetch(content('../../etc/passwd')))).toEqual([400, 'validation_failed']);
  expect((await fetch(`${origin}/other`)).status).toBe(418);
});

const tus = { 'tus-resumable': '1.0.0' };
const meta = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',');
const begin = (length: number, values: Record<string, string>): Promise<Response> =>
  fetch(origin + agentPaths.uploads, {
    method: 'POST',
    headers: { ...tus, 'upload-length': String(length), 'upload-metadata': meta(values) },
  });
const append = (location: string, offset: number, body: Uint8Array): Promise<Response> =>
  fetch(origin + location, {
    method: 'PATCH',
    body: new Uint8Array(body),
    headers: { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) },
  });
const offsetOf = async (location: string): Promise<number> =>
  Number((await fetch(origin + location, { method: 'HEAD', headers: tus })).headers.get('upload-offset'));

test('an upload that is cut, and whose agent is started anew, goes on where it was and appears when whole', async () => {
  const bytes = randomBytes(3_000_000);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const created = await begin(bytes.length, { filename: 'up/load/ed.bin', sha256 });
  expect(created.status).toBe(201);
  const location = created.headers.get('location')!;
  expect(await offsetOf(location)).toBe(0);
  const cut = httpRequest(origin + location, {
    method: 'PATCH',
    headers: {
      ...tus,
      'content-type': 'application/offset+octet-stream',
      'upload-offset': '0',
      'content-length': String(bytes.length),
    },
  });
  cut.on('error', () => {});
  await new Promise<void>((resolve) => cut.write(bytes.subarray(0, 1_000_000), () => resolve()));
  await vi.waitFor(async () => expect((await readdir(join(base, 'state/uploads'))).length).toBeGreaterThan(0));
  cut.destroy();
  const offset = await offsetOf(location);
  expect(offset).toBeGreaterThanOrEqual(0);
  expect(offset).toBeLessThanOrEqual(1_000_000);
  const second = await append(location, offset, bytes.subarray(offset, 2_000_000));
  expect([second.status, second.headers.get('upload-offset')]).toEqual([204, '2000000']);
  expect(await errorOf(await append(location, offset, bytes.subarray(offset, 10)))).toEqual([409, 'conflict']);
  await files.close();
  await startFiles();
  expect(await offsetOf(location)).toBe(2_000_000);
  expect((await readdir(join(tree, 'up/load'))).length).toBe(0);
  expect((await append(location, 2_000_000, bytes.subarray(2_000_000))).status).toBe(204);
  expect((await readFile(join(tree, 'up/load/ed.bin'))).equals(bytes)).toBe(true);
  expect(await offsetOf(location)).toBe(bytes.length);
  expect((await fetch(origin + location, { method: 'DELETE', headers: tus })).status).toBe(204);
  expect(await readdir(join(base, 'state/uploads'))).toEqual([]);
});

test('an upload takes no place that is taken, and says what is wrong', async () => {
  await writeFile(join(tree, 'there'), 'old');
  expect(await errorOf(await begin(3, { filename: 'there' }))).toEqual([409, 'already_exists']);
  expect(await errorOf(await begin(3, { filename: '../there' }))).toEqual([400, 'validation_failed']);
  expect(await errorOf(await begin(1e14, { filename: 'huge' }))).toEqual([507, 'no_space']);
  expect(await errorOf(await fetch(origin + agentPaths.uploads, { method: 'POST' }))).toEqual([
    412,
    'precondition_failed',
  ]);
  const { etag } = await files.stat('there');
  const over = (await begin(3, { filename: 'there', overwrite: etag! })).headers.get('location')!;
  expect(await errorOf(await append(over, 0, Buffer.from('four')))).toEqual([413, 'payload_too_large']);
  expect((await append(over, 0, Buffer.from('new'))).status).toBe(204);
  expect(await readFile(join(tree, 'there'), 'utf8')).toBe('new');
  const late = (await begin(3, { filename: 'late' })).headers.get('location')!;
  await writeFile(join(tree, 'late'), 'mine');
  expect(await errorOf(await append(late, 0, Buffer.from('new')))).toEqual([409, 'conflict']);
  expect(await readFile(join(tree, 'late'), 'utf8')).toBe('mine');
  await rm(join(tree, 'late'));
  expect(await offsetOf(late)).toBe(3);
  expect(await readFile(join(tree, 'late'), 'utf8')).toBe('new');
  const wrong = (await begin(3, { filename: 'sum', sha256: '0'.repeat(64) })).headers.get('location')!;
  expect(await errorOf(await append(wrong, 0, Buffer.from('new')))).toEqual([412, 'precondition_failed']);
  expect(await errorOf(await append(wrong, 0, Buffer.from('new')))).toEqual([404, 'not_found']);
  expect((await begin(0, { filename: 'empty' })).status).toBe(201);
  expect(await readFile(join(tree, 'empty'), 'utf8')).toBe('');
  expect((await fetch(`${origin}${agentPaths.uploads}/..%2f..%2fx`, { method: 'HEAD', headers: tus })).status).toBe(
    404,
  );
});

test('partial uploads expire', async () => {
  await files.close();
  files = await createFiles({ workspace: tree, stateDir: join(base, 'state'), log: () => {}, uploadExpiryMs: 1 });
  await begin(5, { filename: 'x' });
  await files.close();
  await startFiles();
  await vi.waitFor(async () => expect(await readdir(join(base, 'state/uploads'))).toEqual([]), { timeout: 10_000 });
});
