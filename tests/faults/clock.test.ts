// F11: of two servers on one database one has a clock that is an hour ahead, and is then set back by three. Sign-ins, leases, the
// order of the log and the rules of time are the site's, and no machine's.

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { routes, socketProtocol } from '@remote-claude/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { openDatabase, type ProductDatabase } from '../support/database.js';
import { configFor } from '../support/model.js';
import { signIn, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { sayIn } from '../support/turns.js';
import { enterAsViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';
import { compare, countUntil, openHouse, printRow, tokens, upTo, type House } from './support.js';

const hourMs = 3_600_000;
const shift = pathToFileURL(fileURLToPath(new URL('../dist/support/shifted-clock.js', import.meta.url)));
let folder: string;
let right: House;
let wrong: Product;
let ada: Person;
let viewer: Viewer;
let database: ProductDatabase;

const setOff = (ms: number): Promise<void> => writeFile(join(folder, 'off'), String(ms));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-clock-'));
  await chmod(folder, 0o711);
  await setOff(hourMs);
  const computeDir = join(folder, 'p');
  const key = randomBytes(32).toString('base64');
  const shared = `  lease: 3s\n  leaseRenew: 500ms\ncompute: { dataDir: ${computeDir} }\nsecurity: { masterKey: "${key}" }\nsessions: { maxDuration: 45m }\n`;
  right = await openHouse(['the step', 'the other'].map(countUntil), shared, { computeDir });
  database = await openDatabase(right.product);
  shift.searchParams.set('file', join(folder, 'off'));
  wrong = await startProduct({
    config: configFor(right.model, `${shared}database: { url: "${right.product.databaseUrl}" }\n`),
    nodeArgs: ['--import', shift.href],
  });
  ada = await signIn(wrong, right.ada.email, right.ada.password);
  viewer = await enterAsViewer(wrong.url, ada, right.sessionId);
});
afterAll(async () => {
  viewer?.close();
  await database?.close();
  await wrong?.close();
  await right?.close();
  await rm(folder, { recursive: true, force: true });
});

const fence = async (): Promise<number> => {
  const sql = 'select lease_fence::int as fence from sessions where id = $1';
  return (await database.query<{ fence: number }>(sql, [right.sessionId]))[0]?.fence ?? 0;
};
const mayAsk = async (product: Product, { token }: Person): Promise<number> =>
  (await fetch(`${product.url}/api/auth/user`, { headers: { authorization: `Bearer ${token}` } })).status;

/** A ticket that was had where a person signed in, at another server. */
const ticketOpens = async (person: Person, product: Product): Promise<boolean> => {
  const { ticket } = await person.client.call(routes.auth.ticket, { body: { sessionId: right.sessionId } });
  const url = `${product.url.replace('http', 'ws')}/api/sessions/${right.sessionId}/ws`;
  const socket = new WebSocket(url, [socketProtocol, `ticket.${ticket}`]);
  try {
    return await new Promise((resolve) => {
      socket.once('open', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
  } finally {
    socket.close();
  }
};

it('F11 one clock an hour off, and then set back: sign-ins, leases, order and limits are unaffected', async () => {
  expect(wrong.output()).toContain('the clock of this machine differs');
  const before = await fence();
  // Whoever signed in at one is signed in at the other.
  expect([await mayAsk(wrong, right.ada), await mayAsk(right.product, ada)]).toEqual([200, 200]);
  // And a ticket of one, which is worth something for a minute, is taken by the other.
  expect(await ticketOpens(right.ada, wrong)).toBe(true);
  expect(await ticketOpens(ada, right.product)).toBe(true);

  const first = await sayIn(ada, right.sessionId, viewer, 'Please count until the step.');
  await right.untilStreamed(first, 3);
  await setOff(-2 * hourMs);
  right.model.control.release('the step');
  await viewer.event('turn.ended', (event) => event.turnId === first);
  expect([await mayAsk(wrong, right.ada), await mayAsk(wrong, ada), await fence()]).toEqual([200, 200, before]);

  // And when the one with the right time is gone, the other goes on with the session as it is.
  await setOff(hourMs);
  const second = await sayIn(ada, right.sessionId, viewer, 'Please count until the other.');
  const killedAt = performance.now();
  await right.product.kill();
  await until(async () => (await fence()) === before + 1, { what: 'the other to look after the session' });
  right.model.control.release('the other');
  const ended = await viewer.event('turn.ended', (event) => event.turnId === second, 120_000);
  const recoveryMs = performance.now() - killedAt;

  const seen = [first, second].flatMap((turnId) => right.tokensOf(turnId, viewer));
  const row = compare(right.tokensOf(first, viewer), upTo(tokens));
  printRow('F11', 'one clock an hour ahead, and set back by three', row, recoveryMs);
  expect({ ended: ended.outcome, row, seen: seen.length }).toEqual({
    ended: 'completed',
    row: { lost: 0, twice: 0, wrong: 0 },
    seen: 2 * tokens,
  });
  expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);
  const times = viewer.events().map(({ at }) => Date.parse(at));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(Math.abs((times.at(-1) ?? 0) - Date.now())).toBeLessThan(60_000);
  expect(viewer.state().place.status).toBe('running');
  expect(viewer.events().filter(({ event }) => event.type === 'place.changed' && event.status === 'stopped')).toEqual(
    [],
  );
});
