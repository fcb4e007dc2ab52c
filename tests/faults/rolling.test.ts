// F14: two servers, each behind a web of its own, are ended and started again, one after the other, while people go on working.
// A client that repeats what got no answer, at the other web where one is away, loses nothing and does nothing twice.

import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionId } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { freePort } from '../support/free-port.js';
import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { enterAsViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';
import { compare, printRow, seconds, upTo } from './support.js';

let folder: string;
let model: ScriptedModel;
/** Runs the database, and nothing else: it was killed. */
let keeper: Product;
let servers: [Product, Product];
/** What people reach; each sends on to its server. */
let webs: [Product, Product];
let ada: Person;
let sessionId: SessionId;
const viewers: Viewer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-rolling-'));
  await chmod(folder, 0o711);
  const computeDir = join(folder, 'p');
  const key = randomBytes(32).toString('base64');
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  const shared = `  lease: 6s\n  leaseRenew: 1s\ncompute: { dataDir: ${computeDir} }\nsecurity: { masterKey: "${key}" }\n`;
  keeper = await startProduct({ config: configFor(model, shared), computeDir });
  await keeper.kill();
  /** Server and web know each other's address. */
  const startPair = async (): Promise<[Product, Product]> => {
    const port = await freePort();
    const apiUrl = `http://127.0.0.1:${port}`;
    const web = await startProduct({ config: configFor(model, `server: { roles: [web], apiUrl: "${apiUrl}" }\n`) });
    const own = `server: { publicUrl: "${web.url}" }\ndatabase: { url: "${keeper.databaseUrl}" }\n`;
    return [web, await startProduct({ config: configFor(model, shared + own), computeDir, port })];
  };
  const [first, second] = [await startPair(), await startPair()];
  webs = [first[0], second[0]];
  servers = [first[1], second[1]];
  ada = await setUpAdmin({ ...webs[0], setupUrl: servers[0].setupUrl });
  ({ id: sessionId } = await startSession(ada, { name: 'Rolling' }));
  for (const { url } of webs) viewers.push(await enterAsViewer(url, ada, sessionId));
});
afterAll(async () => {
  for (const viewer of viewers) viewer.close();
  for (const product of [...(webs ?? []), ...(servers ?? [])]) await product.close();
  await keeper?.close();
  await model?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Done {
  /** Refusals that no repeat would mend. */
  failed: string[];
  count: number;
  longestMs: number;
}

/** A web that ends, one whose server is away, and one whose server died over it. */
const again: ReadonlySet<number> = new Set([429, 502, 503]);

/** Acts again and again, each under a key of its own, until told to end; a repeat goes to the other web. */
const work = async (isOver: () => boolean, pauseMs: number, act: (n: number) => [string, RequestInit]) => {
  const done: Done = { failed: [], count: 0, longestMs: 0 };
  let turn = 0;
  while (!isOver()) {
    const [path, init] = act(done.count + 1);
    const headers = {
      authorization: `Bearer ${ada.token}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    };
    const begunAt = performance.now();
    for (;;) {
      const { url } = webs[turn % 2 === 0 ? 0 : 1];
      const answer = await fetch(`${url}/api${path}`, {
        ...init,
        headers: { ...headers, origin: url },
        signal: AbortSignal.timeout(30_000),
      }).catch(() => null);
      await answer?.body?.cancel();
      if (answer?.ok === true) break;
      if (answer !== null && !again.has(answer.status)) {
        done.failed.push(`${init.method} ${path}: ${answer.status}`);
        break;
      }
      turn += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    done.count += 1;
    done.longestMs = Math.max(done.longestMs, performance.now() - begunAt);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return done;
};

it('F14 a rolling restart of all under load: no mutation fails, and each is done once', async () => {
  let over = false;
  const isOver = (): boolean => over;
  const renaming = work(isOver, 20, (n) => [
    `/sessions/${sessionId}`,
    { method: 'PATCH', body: JSON.stringify({ name: `Name ${n}` }) },
  ]);
  const talking = work(isOver, 700, (n) => [
    `/sessions/${sessionId}/claude/chat`,
    { method: 'POST', body: JSON.stringify({ message: `said-${n}`, wait: false }) },
  ]);
  for (const product of [servers[0], webs[0], servers[1], webs[1]]) {
    expect(await product.stop()).toBe(0);
    await product.restart();
    await until(async () => (await fetch(`${product.url}/readyz`)).status === 200, { what: 'it to be ready again' });
  }
  over = true;
  const [names, chats] = await Promise.all([renaming, talking]);
  expect([names.failed, chats.failed]).toEqual([[], []]);
  for (const viewer of viewers) {
    const said = (): number[] =>
      viewer
        .events()
        .flatMap(({ event }) =>
          event.type === 'message.user' ? (/^said-(\d+)$/.exec(event.text.text)?.[1] ?? []) : [],
        )
        .map(Number);
    await until(
      () => said().includes(chats.count) && viewer.state().turn === null && viewer.state().queue.length === 0,
      {
        what: () => `all ${chats.count} messages to be answered; there are ${said().join(' ')}`,
        timeoutMs: 120_000,
      },
    );
    expect(viewer.state().name).toBe(`Name ${names.count}`);
    expect([compare(said(), upTo(chats.count)), viewer.gaps(), viewer.repeats()]).toEqual([
      { lost: 0, twice: 0, wrong: 0 },
      [],
      [],
    ]);
    const turns = viewer.events().filter(({ event }) => event.type === 'turn.ended');
    expect(turns.every(({ event }) => event.type === 'turn.ended' && event.outcome === 'completed')).toBe(true);
  }
  const longestMs = Math.max(names.longestMs, chats.longestMs);
  printRow(
    'F14',
    `rolling restart, ${names.count + chats.count} mutations`,
    { lost: 0, twice: 0, wrong: 0 },
    longestMs,
  );
  expect(longestMs, `the longest pause was ${seconds(longestMs)}`).toBeLessThan(15_000);
});
