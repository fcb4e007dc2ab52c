// Two servers on one database and one folder of places: either serves every session, and takes over those of the other
// when that is killed, or when it is told to end.

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { routes } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { databaseUrl, openDatabase } from '../support/database.js';
import { configFor } from '../support/model.js';
import { signIn, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { openTerminal } from '../support/terminal.js';
import { openViewer, type Viewer } from '../support/viewer.js';
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

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-two-'));
  await chmod(folder, 0o711);
  const computeDir = join(folder, 'p');
  const key = randomBytes(32).toString('base64');
  const more = `  lease: 3s\n  leaseRenew: 500ms\ncompute: { dataDir: ${computeDir} }\nsecurity: { masterKey: "${key}" }\n`;
  first = await openHouse(['the owner', 'the other'].map(countUntil), more, computeDir);
  const url = databaseUrl(first.product);
  second = await startProduct({ config: configFor(first.model, `${more}database: { url: "${url}" }\n`) });
  ada = await signIn(second, first.ada.email, first.ada.password);
  viewer = openViewer(second.url, ada, first.sessionId);
  await until(() => viewer.events().length > 0, { what: 'the log through the second replica' });
});
afterAll(async () => {
  viewer?.close();
  await second?.close();
  await first?.close();
  await rm(folder, { recursive: true, force: true });
});

const params = () => ({ id: first.sessionId });
const say = async (message: string) => {
  const { messageId } = await ada.client.call(routes.claude.chat, { params: params(), body: { message, wait: false } });
  return (await viewer.event('turn.started', ({ messageIds }) => messageIds.includes(messageId))).turnId;
};
const leaseNumber = async (): Promise<number> => {
  const database = await openDatabase(first.product);
  try {
    const [row] = await database.query<{ fence: number }>(
      'select lease_fence::int as fence from sessions where id = $1',
      [first.sessionId],
    );
    return row?.fence ?? 0;
  } finally {
    await database.close();
  }
};

describe('two replicas', () => {
  it('F1 of the owner: the other takes the session over, and the turn and the terminal go on', async () => {
    const terminal = await openTerminal(viewer);
    terminal.type(printLines(600));
    await terminal.until(/line-000050/);
    const before = await leaseNumber();
    const turnId = await say('Please count until the owner.');
    await until(
      () => viewer.messages().some((message) => message.type === 'claude-stream' && message.payload.turnId === turnId),
      { what: 'the answer to stream through the replica that does not own the session' },
    );
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
});
