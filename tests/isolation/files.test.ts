// Files over HTTP against paths, links and renames that lead out of the work tree, cuts, conflicts and a full disk.

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { errorBody, routes, type Session } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { placesUnderTest } from '../support/config.js';
import { evaluate, execute, output, startSession, stopSession, untilRunning } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { workTreeOf } from '../support/places.js';
import { startProduct, type Product } from '../support/product.js';
import { rawRequest, type RawAnswer } from '../support/raw-request.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let ada: Person;
let session: Session;
/** Stands in every file that lies outside the work tree and could be reached by code in the session. */
const outside = `outside-${randomBytes(8).toString('hex')}`;

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  session = await startSession(ada, { name: 'Files' });
  await output(
    ada,
    session.id,
    `mkdir -p ~/outside /tmp/outside /workspace/real && echo ${outside} | tee ~/outside/secret.txt /tmp/outside/secret.txt ~/secret.txt && echo inside > /workspace/real/secret.txt`,
  );
});

afterAll(async () => {
  await product?.close();
  await model?.close();
});

const files = (rest: string): string => `/api/sessions/${session.id}/files${rest}`;
const ask = (
  method: string,
  path: string,
  more: { headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<RawAnswer> => rawRequest(product, ada, { method, path, ...more });
const askJson = (path: string, body: unknown): Promise<RawAnswer> =>
  ask('POST', path, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const codeOf = ({ body }: RawAnswer): string => errorBody.parse(JSON.parse(body.toString('utf8'))).error.code;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const metadata = (path: string): string => `filename ${Buffer.from(path).toString('base64')}`;
const tus = { 'tus-resumable': '1.0.0' };
const makeNew = { 'if-none-match': '*' };

/** Paths as an attacker writes them into the address, after `…/files/`. */
const addresses = [
  '../../../../etc/passwd',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%2e%2e/%2e%2e/etc/passwd',
  '%2e%2e%2fetc%2fpasswd',
  '..%252f..%252fetc%252fpasswd',
  '....//....//etc/passwd',
  '/etc/passwd',
  '//etc/passwd',
  '%2fetc%2fpasswd',
  '%2f%2fetc/passwd',
  '/proc/self/environ',
  '%2fproc%2fself%2froot%2fhome%2fclaude%2fsecret.txt',
  'real/../../home/claude/secret.txt',
  'real/..%2f..%2fhome/claude/secret.txt',
  'real/%2e%2e/%2e%2e/home/claude/secret.txt',
  'real%2f..%2f..%2fhome%2fclaude%2fsecret.txt',
  'real/./../../home/claude/secret.txt',
  '~/secret.txt',
  '$HOME/secret.txt',
  '..\\..\\home\\claude\\secret.txt',
  '..%5c..%5chome%5cclaude%5csecret.txt',
  '%00/etc/passwd',
  'real/secret.txt%00.png',
  '..%00/home/claude/secret.txt',
  '%c0%ae%c0%ae/home/claude/secret.txt',
  '%ef%bc%8e%ef%bc%8e/home/claude/secret.txt',
  '..;/home/claude/secret.txt',
  '.',
  '..',
  '%2e',
  'file:///home/claude/secret.txt',
  'C:%5cWindows%5csystem.ini',
  '%',
  '%zz',
  `${'a/'.repeat(3_000)}x`,
  'x'.repeat(5_000),
];

const odd = new Set([
  '..%252f..%252fetc%252fpasswd',
  '..\\..\\home\\claude\\secret.txt',
  '..%5c..%5chome%5cclaude%5csecret.txt',
  'C:%5cWindows%5csystem.ini',
]);

/** Paths as they stand in a query, a body or an upload's metadata. */
const paths = [
  '../secret.txt',
  '../../home/claude/secret.txt',
  '/home/claude/secret.txt',
  '/etc/passwd',
  'real/../../home/claude/secret.txt',
  './secret.txt',
  'real/./secret.txt',
  'a\0b',
  '\0',
  'x'.repeat(5_000),
];

const expectHarmless = (what: string, answer: RawAnswer): void => {
  expect([what, answer.body.includes(outside)]).toEqual([what, false]);
  expect([what, answer.body.includes('root:')]).toEqual([what, false]);
  expect([what, answer.status >= 400 && answer.status < 500]).toEqual([what, true]);
};

describe('paths out of the tree', () => {
  it.each(addresses.map((path) => [path.slice(0, 60), path] as const))('%s', async (_shown, path) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const more = method === 'PUT' ? { headers: makeNew, body: 'overwritten' } : {};
      const answer = await ask(method, files(`/${path}`), more);
      // What is only an odd name is a file of that name in the tree, made and deleted again.
      if (odd.has(path) && method !== 'GET')
        expect([method, answer.status]).toEqual([method, method === 'PUT' ? 201 : 200]);
      else expectHarmless(`${method} ${path}`, answer);
    }
    expectHarmless(`list ${path}`, await ask('GET', files(`?path=${path}`)));
    expect(await output(ada, session.id, 'ls -A /workspace')).toBe('real');
  });

  it.each(paths.map((path) => [JSON.stringify(path).slice(0, 60), path] as const))(
    '%s in a query, a body and an upload',
    async (_shown, path) => {
      expectHarmless('list', await ask('GET', files(`?path=${encodeURIComponent(path)}`)));
      expectHarmless('mkdir', await askJson(files('/mkdir'), { path }));
      expectHarmless('move from', await askJson(files('/move'), { path, to: 'stolen.txt' }));
      expectHarmless('move to', await askJson(files('/move'), { path: 'real/secret.txt', to: path }));
      const uploads = `/api/sessions/${session.id}/uploads`;
      expectHarmless(
        'upload',
        await ask('POST', uploads, { headers: { ...tus, 'upload-length': '1', 'upload-metadata': metadata(path) } }),
      );
      const folder = await ada.client
        .call(routes.sessions.execute, { params: { id: session.id }, body: { command: 'pwd', workingDirectory: path } })
        .catch((error: unknown) => error);
      expect(folder).not.toHaveProperty('stdout');
    },
  );

  it('what they named is untouched', async () => {
    expect(await output(ada, session.id, 'cat ~/secret.txt ~/outside/secret.txt /tmp/outside/secret.txt')).toBe(
      [outside, outside, outside].join('\n'),
    );
    expect(await output(ada, session.id, 'cat /workspace/real/secret.txt; ls ~')).toBe('inside\noutside\nsecret.txt');
  });
});

describe('links', () => {
  const out: Record<string, string> = {
    'l-file': '/home/claude/secret.txt',
    'l-folder': '/home/claude/outside',
    'l-root': '/',
    'l-up': '..',
    'l-up-up': '../../home/claude/secret.txt',
    'l-roundabout': 'real/../../home/claude/secret.txt',
    'l-proc-root': '/proc/self/root/home/claude/secret.txt',
    'l-proc-cwd': '/proc/self/cwd/../home/claude/secret.txt',
    'l-environ': '/proc/self/environ',
    'l-parent': '/proc/1/environ',
    'l-fd': '/proc/self/fd',
    'l-zero': '/dev/zero',
    'l-etc': '/etc/passwd',
    'l-workspace-and-out': '/workspace/../home/claude/secret.txt',
    'l-chain-1': 'l-chain-2',
    'l-chain-2': 'l-chain-3',
    'l-chain-3': '/home/claude/secret.txt',
    'l-nested': 'real/l-deeper',
    'l-loop-1': 'l-loop-2',
    'l-loop-2': 'l-loop-1',
    'l-self': 'l-self/l-self',
  };

  beforeAll(async () => {
    await evaluate(
      ada,
      session.id,
      `for (const [name, target] of Object.entries(values)) require('node:fs').symlinkSync(target, '/workspace/' + name);`,
      {
        ...out,
        'real/l-deeper': '../../home/claude/secret.txt',
        'l-good': 'real/secret.txt',
        'l-good-folder': '/workspace/real',
      },
    );
    await output(
      ada,
      session.id,
      'mkfifo /workspace/pipe && mkdir -p /workspace/deep/er && ln -s ../../.. /workspace/deep/er/up',
    );
  });

  it.each(Object.keys(out))('%s leads nowhere', async (name) => {
    for (const [method, rest] of [
      ['GET', `/${name}`],
      ['GET', `/${name}/secret.txt`],
      ['GET', `/${name}/home/claude/secret.txt`],
      ['GET', `?path=${name}`],
      ['PUT', `/${name}/new.txt`],
      ['DELETE', `/${name}/secret.txt`],
    ] as const) {
      expectHarmless(
        `${method} ${rest}`,
        await ask(method, files(rest), method === 'PUT' ? { headers: makeNew, body: 'overwritten' } : {}),
      );
    }
    expectHarmless('mkdir', await askJson(files('/mkdir'), { path: `${name}/made` }));
    expectHarmless('move', await askJson(files('/move'), { path: 'real/secret.txt', to: `${name}/stolen.txt` }));
  });

  it('inside the tree they are followed, and listed as links', async () => {
    expect((await ask('GET', files('/l-good'))).body.toString()).toBe('inside\n');
    expect((await ask('GET', files('/l-good-folder/secret.txt'))).body.toString()).toBe('inside\n');
    const { items } = await ada.client.call(routes.files.list, { params: { id: session.id } });
    expect(items.find(({ name }) => name === 'l-file')).toMatchObject({
      kind: 'link',
      target: '/home/claude/secret.txt',
    });
  });

  it('what is no file is refused at once', async () => {
    for (const name of ['pipe', 'real', 'l-good-folder']) {
      const answer = await ask('GET', files(`/${name}`));
      expect([name, answer.status, codeOf(answer)]).toEqual([name, 409, 'wrong_kind']);
    }
  });

  it('deleting a link deletes the link, and a folder with one in it only that folder', async () => {
    expect((await ask('DELETE', files('/l-folder?recursive=1'))).status).toBe(200);
    expect((await ask('DELETE', files('/deep?recursive=1'))).status).toBe(200);
    expect(await output(ada, session.id, 'cat ~/outside/secret.txt; ls /workspace/real')).toContain(outside);
  });

  it('a moved link does not take along what it points to', async () => {
    expect((await askJson(files('/move'), { path: 'l-file', to: 'real/l-file' })).status).toBe(200);
    expectHarmless('moved', await ask('GET', files('/real/l-file')));
    expect(await output(ada, session.id, 'cat ~/secret.txt')).toBe(outside);
  });
});

/** Swaps a folder with links out of the tree as fast as it can, until `/tmp/stop` is there. */
const race = `
  const fs = require('node:fs');
  process.chdir('/workspace/race');
  const end = Date.now() + 170000;
  let rounds = 0;
  while (Date.now() < end) {
    if (rounds % 64 === 0 && fs.existsSync('/tmp/stop')) break;
    const link = rounds % 2 === 0 ? 'link' : 'link-by-proc';
    fs.renameSync('there', 'kept'); fs.renameSync(link, 'there');
    fs.renameSync('there', link); fs.renameSync('kept', 'there');
    rounds += 1;
  }
  return rounds;`;

describe('renames during the walk', () => {
  // The agent is the same in a container; there its system calls are slower.
  const goodReads = placesUnderTest() === 'process' ? 2_000 : 300;

  it('a folder swapped with links out of the tree leaks nothing in many good reads, and takes no write', async () => {
    await output(
      ada,
      session.id,
      'mkdir -p /workspace/race/there && cd /workspace/race && echo inside > there/secret.txt && ln -s /home/claude/outside link && ln -s /proc/self/root/home/claude/outside link-by-proc && touch ~/outside/only-outside',
    );
    const racing = evaluate<number>(ada, session.id, race);
    const counts = { good: 0, refused: 0, leaks: 0, other: [] as string[] };
    const startMs = performance.now();
    // On a busy machine the reads take longer; there are as many.
    const goesOn = (): boolean =>
      performance.now() - startMs < 2_000 || (counts.good < goodReads && performance.now() - startMs < 160_000);
    const reader = async (): Promise<void> => {
      while (goesOn()) {
        const answer = await ada.fetch(`/sessions/${session.id}/files/race/there/secret.txt`);
        const body = await answer.text();
        if (body.includes(outside)) counts.leaks += 1;
        else if (answer.status === 200 && body === 'inside\n') counts.good += 1;
        else if ([403, 404].includes(answer.status)) counts.refused += 1;
        // Faster than one person may be: as a client does, this one waits.
        else if (answer.status === 429) await new Promise((resolve) => setTimeout(resolve, 100));
        else counts.other.push(`${answer.status} ${body}`);
      }
    };
    const writer = async (): Promise<void> => {
      for (let n = 0; goesOn(); n += 1) {
        await ada.fetch(`/sessions/${session.id}/files/race/there/written-${n % 10}.txt`, {
          method: 'PUT',
          headers: makeNew,
          body: 'written',
        });
        await ada.fetch(`/sessions/${session.id}/files/race/there/only-outside`, { method: 'DELETE' });
        const list = await ada.fetch(`/sessions/${session.id}/files?path=race%2Fthere`);
        if ((await list.text()).includes('only-outside')) counts.leaks += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await Promise.all([...Array.from({ length: 8 }, reader), writer()]);
    await output(ada, session.id, 'touch /tmp/stop');
    const rounds = await racing;
    expect(counts.leaks).toBe(0);
    expect(counts.other).toEqual([]);
    expect(counts.good).toBeGreaterThanOrEqual(goodReads);
    // It was a race: the links were met, and so were the moments between.
    expect(counts.refused).toBeGreaterThan(goodReads / 20);
    expect(rounds).toBeGreaterThan(goodReads / 2);
    expect(await output(ada, session.id, 'ls ~/outside')).toBe('only-outside\nsecret.txt');
  });
});

describe('uploads', () => {
  const content = randomBytes(3 * 1024 * 1024);
  const uploads = (): string => `/api/sessions/${session.id}/uploads`;
  const begin = async (path: string, length: number): Promise<string> => {
    const answer = await ask('POST', uploads(), {
      headers: { ...tus, 'upload-length': String(length), 'upload-metadata': metadata(path) },
    });
    expect(answer.status).toBe(201);
    return new URL(String(answer.headers['location']), product.url).pathname;
  };
  const append = (address: string, offset: number, body: Uint8Array): Promise<RawAnswer> =>
    ask('PATCH', address, {
      headers: { ...tus, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      body,
    });
  const offsetOf = async (address: string): Promise<number> => {
    const answer = await ask('HEAD', address, { headers: tus });
    expect(answer.status).toBe(200);
    return Number(answer.headers['upload-offset']);
  };

  /** Sends a part of what it announces, then cuts the line. */
  const cut = (address: string, offset: number, body: Uint8Array, sent: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const { hostname, port, host } = new URL(product.url);
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          [
            `PATCH ${address} HTTP/1.1`,
            `host: ${host}`,
            `authorization: Bearer ${ada.token}`,
            'tus-resumable: 1.0.0',
            `upload-offset: ${offset}`,
            'content-type: application/offset+octet-stream',
            `content-length: ${body.length}`,
            '',
            '',
          ].join('\r\n'),
        );
        socket.write(body.subarray(0, sent), () => setTimeout(() => socket.destroy(), 200));
      });
      socket.on('error', reject);
      socket.on('close', () => resolve());
    });

  it('go on after a cut, and are there only when whole', async () => {
    const address = await begin('uploaded/large.bin', content.length);
    const first = await append(address, 0, content.subarray(0, 1_000_000));
    expect([first.status, first.headers['upload-offset']]).toEqual([204, '1000000']);
    await cut(address, 1_000_000, content.subarray(1_000_000), 700_000);
    const reached = await until(async () => ((await offsetOf(address)) > 1_000_000 ? offsetOf(address) : null), {
      what: 'what arrived before the cut',
    });
    expect(reached).toBeLessThanOrEqual(1_700_000);

    expect((await ask('GET', files('/uploaded/large.bin'))).status).toBe(404);
    expect(await output(ada, session.id, 'find /workspace -size +100k')).toBe('');
    const wrong = await append(address, reached + 1, content.subarray(reached + 1));
    expect([wrong.status, codeOf(wrong)]).toEqual([409, 'conflict']);

    const rest = await append(address, reached, content.subarray(reached));
    expect([rest.status, rest.headers['upload-offset']]).toEqual([204, String(content.length)]);
    const whole = await ask('GET', files('/uploaded/large.bin'));
    expect([whole.status, sha256(whole.body)]).toEqual([200, sha256(content)]);
    expect(await output(ada, session.id, 'sha256sum /workspace/uploaded/large.bin')).toContain(sha256(content));
  });

  it('replace nothing that came meanwhile, and leave nothing when they are given up', async () => {
    const address = await begin('uploaded/raced.txt', 4);
    await output(ada, session.id, 'echo came first > /workspace/uploaded/raced.txt');
    const late = await append(address, 0, Buffer.from('late'));
    expect([409]).toContain(late.status);
    expect(await output(ada, session.id, 'cat /workspace/uploaded/raced.txt')).toBe('came first');

    const given = await begin('uploaded/given-up.bin', 1_000);
    await append(given, 0, Buffer.alloc(500));
    expect((await ask('DELETE', given, { headers: tus })).status).toBe(204);
    expect((await ask('HEAD', given, { headers: tus })).status).toBe(404);
    expect(await output(ada, session.id, 'ls -A /workspace/uploaded')).toBe('large.bin\nraced.txt');
  });

  it('take no more than was announced', async () => {
    const address = await begin('uploaded/short.txt', 4);
    const answer = await append(address, 0, Buffer.from('longer than four'));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect((await ask('GET', files('/uploaded/short.txt'))).status).toBe(404);
    const strange = await ask('POST', uploads(), {
      headers: { ...tus, 'upload-length': '-1', 'upload-metadata': metadata('x') },
    });
    expect([strange.status, codeOf(strange)]).toEqual([400, 'validation_failed']);
  });
});

describe('saving', () => {
  it('a version that is not the last one is refused, and both are kept', async () => {
    const made = await ask('PUT', files('/shared.txt'), { headers: makeNew, body: 'one' });
    const etag = String((JSON.parse(made.body.toString()) as { etag: string }).etag);
    expect(made.status).toBe(201);
    const saved = await ask('PUT', files('/shared.txt'), { headers: { 'if-match': etag }, body: 'two' });
    expect(saved.status).toBe(200);

    await output(ada, session.id, 'printf three > /workspace/shared.txt');
    const current = (await ask('GET', files('/shared.txt'))).headers['etag'];
    for (const headers of [
      { 'if-match': etag },
      { 'if-match': String((JSON.parse(saved.body.toString()) as { etag: string }).etag) },
      makeNew,
    ]) {
      const late = await ask('PUT', files('/shared.txt'), { headers, body: 'mine' });
      expect([late.status, codeOf(late)]).toEqual([409, 'edit_conflict']);
      // With what is there now, the page can show both and save again.
      expect(errorBody.parse(JSON.parse(late.body.toString())).error.details).toMatchObject({ etag: current });
    }
    expect((await ask('GET', files('/shared.txt'))).body.toString()).toBe('three');
    expect(
      (await ask('PUT', files('/shared.txt'), { headers: { 'if-match': String(current) }, body: 'four' })).status,
    ).toBe(200);
  });

  it('of many savers of one version one wins', async () => {
    const made = await ask('PUT', files('/contested.txt'), { headers: makeNew, body: 'start' });
    const { etag } = JSON.parse(made.body.toString()) as { etag: string };
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        ask('PUT', files('/contested.txt'), { headers: { 'if-match': etag }, body: `saver ${n}` }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 11 }, () => 409)]);
    const winner = answers.findIndex(({ status }) => status === 200);
    expect((await ask('GET', files('/contested.txt'))).body.toString()).toBe(`saver ${winner}`);
  });

  it('without a version nothing is overwritten', async () => {
    const answer = await ask('PUT', files('/shared.txt'), { body: 'blind' });
    expect([answer.status, codeOf(answer)]).toEqual([428, 'precondition_required']);
    const star = await ask('PUT', files('/shared.txt'), { headers: { 'if-match': '*' }, body: 'blind' });
    expect(star.status).toBe(428);
    expect((await ask('GET', files('/shared.txt'))).body.toString()).toBe('four');
  });

  it('ranges and versions are read as asked', async () => {
    const whole = await ask('GET', files('/shared.txt'));
    const part = await ask('GET', files('/shared.txt'), { headers: { range: 'bytes=1-2' } });
    expect([part.status, part.body.toString(), part.headers['content-range']]).toEqual([206, 'ou', 'bytes 1-2/4']);
    expect((await ask('GET', files('/shared.txt'), { headers: { range: 'bytes=9-' } })).status).toBe(416);
    expect(
      (await ask('GET', files('/shared.txt'), { headers: { 'if-none-match': String(whole.headers['etag']) } })).status,
    ).toBe(304);
  });
});

describe('a full disk', () => {
  const bytes = 8 * 1024 * 1024;
  let small: Session;
  let mount: string;

  beforeAll(async () => {
    small = await startSession(ada, { name: 'Small' });
    await stopSession(ada, small.id);
    // Only the test's own folder: a small disk takes the place of the session's work tree.
    mount = await workTreeOf(product, small.id);
    const { uid, gid } = statSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},uid=${uid},gid=${gid},mode=755`, 'tmpfs', mount]);
    await ada.client.call(routes.sessions.start, { params: { id: small.id } });
    await untilRunning(ada, small.id);
  });

  afterAll(async () => {
    try {
      await stopSession(ada, small.id);
    } finally {
      // Also from under a session that would not stop.
      execFileSync('umount', ['--lazy', mount]);
    }
  });

  const at = (rest: string): string => `/api/sessions/${small.id}/files${rest}`;

  it('a save that does not fit says so and leaves the old file whole', async () => {
    const old = randomBytes(1024 * 1024);
    const made = await ask('PUT', at('/old.bin'), { headers: makeNew, body: old });
    expect(made.status).toBe(201);
    const { etag } = JSON.parse(made.body.toString()) as { etag: string };
    expect(await output(ada, small.id, 'df -B1 --output=size /workspace | tail -1 | tr -d " "')).toBe(String(bytes));

    // Often, since the refusal comes while the rest is still being sent.
    for (let times = 0; times < 20; times += 1) {
      const late = await ask('PUT', at('/old.bin'), { headers: { 'if-match': etag }, body: randomBytes(bytes) });
      expect([late.status, codeOf(late)]).toEqual([507, 'no_space']);
    }
    const kept = await ask('GET', at('/old.bin'));
    expect([kept.headers['etag'], sha256(kept.body)]).toEqual([etag, sha256(old)]);
    expect(await output(ada, small.id, 'ls -A /workspace')).toBe('old.bin');
  });

  it('so do new files, folders, uploads and commands, and the session goes on', async () => {
    await execute(ada, small.id, 'dd if=/dev/zero of=/workspace/filler bs=64k; true');
    const made = await ask('PUT', at('/new.bin'), { headers: makeNew, body: randomBytes(100_000) });
    expect([made.status, codeOf(made)]).toEqual([507, 'no_space']);
    const uploads = `/api/sessions/${small.id}/uploads`;
    const begun = await ask('POST', uploads, {
      headers: { ...tus, 'upload-length': '200000', 'upload-metadata': metadata('up.bin') },
    });
    if (begun.status === 201) {
      const { pathname } = new URL(String(begun.headers['location']), product.url);
      const sent = await ask('PATCH', pathname, {
        headers: { ...tus, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
        body: randomBytes(200_000),
      });
      expect([sent.status, codeOf(sent)]).toEqual([507, 'no_space']);
    } else {
      expect([begun.status, codeOf(begun)]).toEqual([507, 'no_space']);
    }
    expect(await output(ada, small.id, 'ls -A /workspace')).toBe('filler\nold.bin');
    // Chat and terminals have their own disk.
    expect(
      await ada.client.call(routes.claude.chat, { params: { id: small.id }, body: { message: 'Hi' } }),
    ).toMatchObject({ outcome: 'completed' });
    expect((await ask('DELETE', at('/filler'))).status).toBe(200);
    expect((await ask('PUT', at('/new.bin'), { headers: makeNew, body: randomBytes(100_000) })).status).toBe(201);
  });
});
