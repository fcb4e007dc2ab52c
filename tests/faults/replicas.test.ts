// Two servers on one database, one Redis and one folder of places: either serves every session, and takes over those of the other
// when that is killed, or when it is told to end.

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { routes } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase } from '../support/database.js';
import { configFor } from '../support/model.js';
import { signIn, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { startRedis, type OwnRedis } from '../support/redis.js';
import { openTerminal } from '../support/terminal.js';
import { enterAsViewer, openViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';
import {
  compare,
  countUntil,
  linesOf,
  openHouse,
  printLines,
  printRow,
  sumOf,
  tokens,
  upTo,
  type House,
} from './support.js';

let folder: string;
let first: House;
let second: Product;
let ada: Person;
let viewer: Viewer;
let line: Proxy;
let redis: OwnRedis;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-two-'));
  await chmod(folder, 0o711);
  const computeDir = join(folder, 'p');
  const key = randomBytes(32).toString('base64');
  redis = await startRedis();
  const more = `  lease: 3s\n  leaseRenew: 500ms\ncompute: { dataDir: ${computeDir} }\nsecurity: { masterKey: "${key}" }\nredis: { url: "${redis.url}" }\n`;
  first = await openHouse(['the owner', 'the hint', 'the cut', 'the other'].map(countUntil), more, { computeDir });
  // The second replica's way to the database, and nothing else.
  line = await startProxy({ to: join(first.product.dataDir, 'run', 'postgres', '.s.PGSQL.5432') });
  const url = `postgres://remote_claude@${new URL(line.url).host}/remote_claude`;
  second = await startProduct({ config: configFor(first.model, `${more}database: { url: "${url}" }\n`) });
  ada = await signIn(second, first.ada.email, first.ada.password);
  viewer = openViewer(second.url, ada, first.sessionId);
  await until(() => viewer.events().length > 0, { what: 'the log through the second replica' });
});
afterAll(async () => {
  viewer?.close();
  await second?.close();
  await line?.close();
  await first?.close();
  await redis?.close();
  await rm(folder, { recursive: true, force: true });
});

const params = () => ({ id: first.sessionId });
const say = async (message: string) => {
  const { messageId } = await ada.client.call(routes.claude.chat, { params: params(), body: { message, wait: false } });
  return (await viewer.event('turn.started', ({ messageIds }) => messageIds.includes(messageId))).turnId;
};
const streams = (by: Viewer, turnId: string): boolean =>
  by
    .messages()
    .some((message) =>
      message.type === 'hello'
        ? message.payload.open.some((block) => block.turnId === turnId)
        : message.type === 'claude-stream' && message.payload.turnId === turnId,
    );
const headNow = async (): Promise<{ fence: number; head: number }> => {
  const database = await openDatabase(first.product);
  try {
    const [row] = await database.query<{ fence: number; head: number }>(
      'select lease_fence::int as fence, head::int as head from sessions where id = $1',
      [first.sessionId],
    );
    return row ?? { fence: 0, head: 0 };
  } finally {
    await database.close();
  }
};
const leaseNumber = async (): Promise<number> => (await headNow()).fence;

describe('two replicas', () => {
  it('F1 of the owner: the other takes the session over, and the turn and the terminal go on', async () => {
    const terminal = await openTerminal(viewer);
    terminal.type(printLines(600));
    await terminal.until(/line-000050/);
    const before = await leaseNumber();
    const turnId = await say('Please count until the owner.');
    await until(() => streams(viewer, turnId), {
      what: 'the answer to stream through the replica that does not own the session',
    });
    const killedAt = performance.now();
    await first.product.kill();
    first.model.control.release('the owner');
    const ended = await viewer.event('turn.ended', (event) => event.turnId === turnId, 120_000);
    const recoveryMs = performance.now() - killedAt;
    expect(ended.outcome).toBe('completed');
    await terminal.until(/all-there/);
    const chat = compare(first.tokensOf(turnId, viewer), upTo(tokens));
    const screen = compare(linesOf(terminal), upTo(600));
    printRow('F1', 'kill -9 of the owner, the other replica takes over', sumOf(chat, screen), recoveryMs);
    expect({ chat, screen, gaps: viewer.gaps(), repeats: viewer.repeats() }).toEqual({
      chat: { lost: 0, twice: 0, wrong: 0 },
      screen: { lost: 0, twice: 0, wrong: 0 },
      gaps: [],
      repeats: [],
    });
    expect(await leaseNumber()).toBe(before + 1);
  });

  it('F6 Redis killed and emptied: nothing is lost, and everybody is still signed in', async () => {
    const turnId = await say('Please count until the hint.');
    await until(() => streams(viewer, turnId), { what: 'the answer to stream' });
    await redis.kill();
    const killedAt = performance.now();
    first.model.control.release('the hint');
    const ended = await viewer.event('turn.ended', (event) => event.turnId === turnId, 120_000);
    const recoveryMs = performance.now() - killedAt;
    expect((await ada.client.call(routes.auth.currentUser, {})).user.email).toBe(ada.email);
    await signIn(second, ada.email, ada.password);
    const chat = compare(first.tokensOf(turnId, viewer), upTo(tokens));
    printRow('F6', 'Redis killed and emptied', chat, recoveryMs);
    expect({ ended: ended.outcome, chat, gaps: viewer.gaps(), repeats: viewer.repeats() }).toEqual({
      ended: 'completed',
      chat: { lost: 0, twice: 0, wrong: 0 },
      gaps: [],
      repeats: [],
    });
    await redis.start();
    await until(() => second.output().split('Redis is connected').length > 2, { what: 'Redis to be found again' });
  });

  it('one that is told to end hands its sessions on, and what is asked meanwhile is done once', async () => {
    await first.product.restart();
    const turnId = await say('Please count until the other.');
    const before = await leaseNumber();
    const kept = openViewer(first.product.url, first.ada, first.sessionId);
    const stopped = second.stop();
    first.model.control.release('the other');
    const ended = await kept.event('turn.ended', (event) => event.turnId === turnId, 120_000);
    expect(await stopped).toBe(0);
    expect(ended.outcome).toBe('completed');
    expect(compare(first.tokensOf(turnId, kept), upTo(tokens))).toEqual({ lost: 0, twice: 0, wrong: 0 });
    expect([kept.gaps(), kept.repeats(), await leaseNumber()]).toEqual([[], [], before + 1]);
    expect(
      await first.ada.client.call(routes.claude.chat, { params: params(), body: { message: 'And now?' } }),
    ).toMatchObject({ outcome: 'completed', message: 'Hello.' });
    kept.close();
  });

  it('F9 the owner cut from the database: it stops in time, another owns, and what it still writes is refused', async () => {
    await second.restart();
    const owned = await leaseNumber();
    await first.product.kill();
    await until(async () => (await leaseNumber()) === owned + 1, {
      what: 'the second replica to own the session again',
    });
    await first.product.restart();
    // What streamed before it is there it is told in one piece.
    const kept = await enterAsViewer(first.product.url, first.ada, first.sessionId);
    const before = await leaseNumber();
    const turnId = await say('Please count until the cut.');
    await until(() => streams(kept, turnId), { what: 'the answer to stream through the replica that was restarted' });
    const frozenAt = performance.now();
    line.freeze();
    await until(async () => (await leaseNumber()) === before + 1, {
      what: () =>
        `the other replica to own the session:\n${second.output().slice(-3_000)}\n${first.product.output().slice(-3_000)}`,
    });
    expect(second.output()).toContain('the lease on the sessions was lost');
    first.model.control.release('the cut');
    const ended = await kept.event('turn.ended', (event) => event.turnId === turnId, 120_000);
    const recoveryMs = performance.now() - frozenAt;
    // What it had asked of the database arrives now.
    line.thaw();
    await until(async () => (await fetch(`${second.url}/readyz`)).status === 200, { what: 'the cut one to be ready' });
    const { head } = await headNow();
    await until(() => (viewer.events().at(-1)?.seq ?? 0) >= head, { what: 'its viewer to have all' });
    const chat = compare(first.tokensOf(turnId, kept), upTo(tokens));
    const late = compare(first.tokensOf(turnId, viewer), upTo(tokens));
    printRow('F9', 'the owner cut from the database', sumOf(chat, late), recoveryMs);
    expect({ ended: ended.outcome, chat, late, gaps: viewer.gaps(), repeats: viewer.repeats() }).toEqual({
      ended: 'completed',
      chat: { lost: 0, twice: 0, wrong: 0 },
      late: { lost: 0, twice: 0, wrong: 0 },
      gaps: [],
      repeats: [],
    });
    expect([kept.gaps(), kept.repeats()]).toEqual([[], []]);
    kept.close();
  });
});
