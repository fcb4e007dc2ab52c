// Faults of places with the whole product and the real engine, processes or containers: killed, out of memory (F4), and a server that is
// killed between what it did and what it wrote down, in both orders (F17).

import { createHash, randomBytes } from 'node:crypto';
import { routes, type Session } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, type ProductDatabase } from '../support/database.js';
import { execute, output, startSession, stopSession, untilRunning } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { placesOf, type Places } from '../support/places.js';
import { startProduct, type Product } from '../support/product.js';
import { openViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';
import { printRow } from './support.js';

const backWithinMs = 10_000;
const memoryMb = 768;
let model: ScriptedModel;
let product: Product;
let database: ProductDatabase;
let ada: Person;
let places: Places;
let session: Session;
let viewer: Viewer;
/** What the disk must still hold, whatever happens to the place. */
let kept: string;

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configFor(model, `compute: { limits: { memoryMb: ${memoryMb} } }`) });
  ada = await setUpAdmin(product);
  database = await openDatabase(product);
  places = placesOf(product);
  session = await startSession(ada, { name: 'Faults' });
  viewer = openViewer(product.url, ada, session.id);
  const saved = await ada.fetch(`/sessions/${session.id}/files/sample.bin`, {
    method: 'PUT',
    headers: { 'if-none-match': '*' },
    body: new Uint8Array(randomBytes(2_000_000)),
  });
  expect(saved.status).toBe(201);
  await output(ada, session.id, 'git init -q . && mkdir -p a/b && seq 10000 > a/b/numbers && ln -s a/b/numbers link');
  kept = await contentOf();
});

afterAll(async () => {
  viewer?.close();
  await places?.close();
  await database?.close();
  await product?.close();
  await model?.close();
});

const contentOf = async (): Promise<string> => {
  const listing = await output(
    ada,
    session.id,
    'find . -type f -o -type l | LC_ALL=C sort | while read -r f; do printf \'%s \' "$f"; sha256sum < "$f"; done',
  );
  return createHash('sha256').update(listing).digest('hex');
};

const ours = () => places.of(session.id);
const theRow = async () => {
  const [row] = await database.query<{ place_id: string | null; has_handle: boolean }>(
    'select place_id, place_handle is not null as has_handle from sessions where id = $1',
    [session.id],
  );
  if (row === undefined) throw new Error('no such session');
  return row;
};

const killPlace = async (): Promise<string> => {
  const [place] = await ours();
  if (place === undefined) throw new Error('there is no place to kill');
  await place.kill();
  return place.placeId;
};

/** Waits until another or the same place runs and answers, and checks what must hold then. */
const untilBack = async (fault: string, sinceMs: number, isOther: (placeId: string) => boolean): Promise<number> => {
  await until(
    async () => {
      const { place_id: placeId, has_handle: hasHandle } = await theRow();
      return placeId !== null && hasHandle && isOther(placeId);
    },
    { what: `${fault}: a place on record`, timeoutMs: 60_000 },
  );
  await untilRunning(ada, session.id);
  const recoveryMs = performance.now() - sinceMs;
  const found = (await ours()).map(({ placeId }) => placeId);
  const wrong = (await contentOf()) === kept ? 0 : 1;
  const [number = '', ...what] = fault.split(' ');
  const row = { lost: viewer.gaps().length, twice: viewer.repeats().length + found.length - 1, wrong };
  printRow(number, what.join(' '), row, recoveryMs);
  expect(found).toEqual([(await theRow()).place_id]);
  expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);
  expect(wrong).toBe(0);
  return recoveryMs;
};

const reasonAfter = async (seq: number): Promise<string> =>
  until(
    () =>
      viewer
        .events()
        .flatMap(({ seq: at, event }) => (at > seq && event.type === 'place.changed' ? [event.reason] : []))
        .find((reason) => reason !== null),
    { what: 'the reason in the log' },
  );
const head = (): number => viewer.events().at(-1)?.seq ?? 0;

describe('F4: the place is gone', () => {
  it('killed: the reason is shown, and it runs again with its files', async () => {
    const before = head();
    const sinceMs = performance.now();
    const killed = await killPlace();
    const recoveryMs = await untilBack('F4 place killed', sinceMs, (placeId) => placeId !== killed);
    expect(await reasonAfter(before)).toMatch(/killed|signal 9/);
    expect(recoveryMs).toBeLessThan(backWithinMs);
  });

  it('out of memory: the reason is shown, and it runs again with its files', async (context) => {
    const { warnings } = await ada.client.call(routes.auth.about, {});
    context.skip(
      warnings.some((warning) => warning.includes('memory')),
      'this machine sets no memory limit',
    );
    const before = head();
    const [place] = await ours();
    // Memory that no process has: the kernel takes the largest of the place instead, which is its agent.
    const fill = `for at in /dev/shm /tmp /var/tmp; do head -c ${memoryMb}M /dev/zero > $at/fill; done`;
    const eaten = execute(ada, session.id, fill).catch(() => null);
    await until(async () => (await ours()).every(({ placeId }) => placeId !== place?.placeId), {
      what: 'the kernel to end the place',
    });
    const recoveryMs = await untilBack('F4 out of memory', performance.now(), (placeId) => placeId !== place?.placeId);
    expect(await reasonAfter(before)).toContain('more memory than its limit');
    expect(recoveryMs).toBeLessThan(backWithinMs);
    await eaten;
  });
});

describe('F17: between what was done and what was written down', () => {
  /** Starts the session, and holds its row from when its place has a name: nothing more can be written of it. */
  const holdRowOfStart = async (): Promise<ProductDatabase> => {
    const holder = await openDatabase(product);
    await ada.client.call(routes.sessions.start, { params: { id: session.id } });
    await until(
      async () => {
        await holder.query('begin');
        const [row] = await holder.query<{ begun: boolean }>(
          'select place_id is not null and place_handle is null as begun from sessions where id = $1 for update',
          [session.id],
        );
        if (row?.begun === true) return true;
        await holder.query('rollback');
        return false;
      },
      { what: 'the start to begin', timeoutMs: 30_000 },
    );
    return holder;
  };

  /** What the dead server had asked for and the held row kept waiting; the database would do it still. */
  const dropWaiting = (): Promise<true> =>
    until(
      async () => {
        const ended = await database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'`,
        );
        return ended.length === 0 ? (true as const) : null;
      },
      { what: 'nobody to wait for the row' },
    );

  it('created and not recorded: the same place is found again', async () => {
    await stopSession(ada, session.id);
    const holder = await holdRowOfStart();
    const [place] = await until(
      async () => {
        const found = await ours();
        return (await found[0]?.isRunning()) === true ? found : null;
      },
      { what: 'the place to run' },
    );
    await product.kill();
    await dropWaiting();
    await holder.query('rollback');
    await holder.close();
    expect(await theRow()).toEqual({ place_id: place?.placeId, has_handle: false });
    const sinceMs = performance.now();
    await product.restart();
    const recoveryMs = await untilBack('F17 created, not recorded', sinceMs, (placeId) => placeId === place?.placeId);
    expect(recoveryMs).toBeLessThan(2 * backWithinMs);
  });

  it('recorded and not there: it is replaced', async () => {
    await product.kill();
    const killed = await killPlace();
    expect(await theRow()).toEqual({ place_id: killed, has_handle: true });
    const sinceMs = performance.now();
    await product.restart();
    const recoveryMs = await untilBack('F17 recorded, not there', sinceMs, (placeId) => placeId !== killed);
    expect(recoveryMs).toBeLessThan(2 * backWithinMs);
  });

  it('begun, and killed at any moment of the start: one place in the end', async () => {
    for (const delayMs of [0, 40, 120]) {
      await stopSession(ada, session.id);
      await ada.client.call(routes.sessions.start, { params: { id: session.id } });
      await until(async () => (await theRow()).place_id !== null, { what: 'the start to begin' });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await product.kill();
      const sinceMs = performance.now();
      await product.restart();
      const recoveryMs = await untilBack(`F17 killed ${delayMs} ms into a start`, sinceMs, () => true);
      expect(recoveryMs).toBeLessThan(3 * backWithinMs);
    }
  });
});
