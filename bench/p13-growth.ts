// P13: does it grow well? The echo of one terminal beside many sessions that are open, each with a viewer and a terminal in
// which a person types, against the same session alone; and reading a log of a million events against one of a thousand.
import { randomUUID } from 'node:crypto';

import { routes, type SessionId } from '@remote-claude/contract';

import { signInByCookie } from '../tests/support/calls.js';
import { openDatabase, type ProductDatabase } from '../tests/support/database.js';
import { startSession, stopSession, untilRunning } from '../tests/support/inside.js';
import { socketAddress } from '../tests/support/knock.js';
import { siteConfigFor } from '../tests/support/model.js';
import type { Person } from '../tests/support/people.js';
import type { Product } from '../tests/support/product.js';
import { openPage, type Page, type PageTerminal } from './support/page.js';
import { ms, ofRounds, printTable, times, watchMachine } from './support/report.js';
import { alternate } from './support/rounds.js';
import { comeBack } from './support/returning.js';
import { median, pairwise, percentile, ratio } from './support/statistics.js';
import { withProduct } from './support/with-product.js';

const otherSessions = Number(process.argv.find((arg) => /^--sessions=\d+$/.test(arg))?.slice(11) ?? 24) - 1;
const startedAtOnce = 3;
const rounds = 3;
const keysPerRound = 300;
const pauseMs = 4;
/** In each of the other sessions somebody types a key so often. */
const othersTypeEveryMs = 1_000;
const echoGoal = 2;
const logs = { few: 1_000, many: 1_000_000 };
const readsPerRound = 100;
const pageEvents = 100;
const readGoal = 1.2;
const rawCat = "stty raw -echo; printf 'rea''dy'; exec cat";

const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

const untilOutput = (terminal: PageTerminal, text: string): Promise<void> =>
  new Promise((resolve) => {
    let seen = '';
    terminal.onOutput = (bytes) => {
      seen = (seen + bytes.toString('latin1')).slice(-200);
      if (seen.includes(text)) resolve();
    };
  });

const echoes = async (terminal: PageTerminal, keys = keysPerRound): Promise<number[]> => {
  const samples: number[] = [];
  for (let key = 0; key < keys; key += 1) {
    const letter = String.fromCharCode(97 + (key % 26));
    const begun = performance.now();
    const echo = untilOutput(terminal, letter).then(() => samples.push(performance.now() - begun));
    terminal.type(Buffer.from(letter));
    await echo;
    await pause(pauseMs);
  }
  return samples;
};

interface Open {
  page: Page;
  terminal: PageTerminal;
}

const open = async (product: Product, person: Person, id: SessionId): Promise<Open> => {
  const page = await openPage(product, person, id);
  const terminal = await page.openTerminal();
  const ready = untilOutput(terminal, 'ready');
  terminal.type(Buffer.from(`${rawCat}\r`));
  await ready;
  return { page, terminal };
};

/** In so many at a time as a machine takes. */
const inBatches = async <T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> => {
  for (let at = 0; at < all.length; at += startedAtOnce) await Promise.all(all.slice(at, at + startedAtOnce).map(work));
};

const measureEcho = async (product: Product, ada: Person): Promise<void> => {
  const mine = await open(product, ada, (await startSession(ada)).id);
  const others: SessionId[] = [];
  let opened: Open[] = [];
  const alone: number[][] = [];
  const beside: number[][] = [];
  let typing: NodeJS.Timeout | undefined;
  try {
    await echoes(mine.terminal, 3_000);
    const printMachine = watchMachine();
    for (let round = 0; round < rounds; round += 1) {
      alone.push(await echoes(mine.terminal));
      if (round === 0)
        await inBatches(
          Array.from({ length: otherSessions }),
          async () => void others.push((await startSession(ada)).id),
        );
      else
        await inBatches(others, async (id) => {
          await ada.client.call(routes.sessions.start, { params: { id } });
          await untilRunning(ada, id);
        });
      opened = [];
      await inBatches(others, async (id) => void opened.push(await open(product, ada, id)));
      let turn = 0;
      typing = setInterval(() => {
        turn += 1;
        opened[turn % opened.length]?.terminal.type(Buffer.from('x'));
      }, othersTypeEveryMs / otherSessions);
      // What starting them left to do is done by then.
      await pause(10_000);
      beside.push(await echoes(mine.terminal));
      clearInterval(typing);
      for (const { page } of opened) page.close();
      if (round < rounds - 1) await inBatches(others, (id) => stopSession(ada, id));
      await pause(2_000);
    }
    const figures = (of: number[][], share: number): number[] =>
      of.map((round) => (share === 0.5 ? median(round) : percentile(round, share)));
    const ratios = (share: number): number[] => pairwise(figures(beside, share), figures(alone, share), ratio);
    printTable([
      [`keystroke to echo, ${keysPerRound} keys a round`, 'p50 (rounds)', 'p99 (rounds)'],
      ['one session', ofRounds(figures(alone, 0.5), ms), ofRounds(figures(alone, 0.99), ms)],
      [
        `the same beside ${otherSessions} others, a key a second in each`,
        ofRounds(figures(beside, 0.5), ms),
        ofRounds(figures(beside, 0.99), ms),
      ],
      ['ratio', ofRounds(ratios(0.5), times), ofRounds(ratios(0.99), times)],
      [`goal: p50 at most ${echoGoal} ×`, median(ratios(0.5)) <= echoGoal ? 'reached' : 'missed', ''],
    ]);
    printMachine();
  } finally {
    clearInterval(typing);
    for (const { page } of opened) page.close();
    mine.page.close();
    await inBatches(others, (id) => stopSession(ada, id));
  }
};

/** Rows as a session writes them, made at once; answers with the number of the last. */
const fill = async (database: ProductDatabase, id: SessionId, count: number): Promise<number> => {
  const [row] = await database.query<{ head: string }>('select head from sessions where id = $1', [id]);
  const head = Number(row?.head ?? 0);
  const [sample] = await database.query<{ event: object }>(
    `select event from events where session_id = $1 and event->>'type' = 'place.changed' limit 1`,
    [id],
  );
  await database.query(
    `insert into events (session_id, seq, source, n, event, created_at)
     select $1, $2::bigint + g, $3, g, $4::jsonb, now() from generate_series(1, $5::int) g`,
    [id, head, randomUUID(), JSON.stringify(sample?.event), count],
  );
  await database.query('update sessions set head = $2 where id = $1', [id, head + count]);
  return head + count;
};

const measureLog = async (product: Product, ada: Person): Promise<void> => {
  const database = await openDatabase(product);
  try {
    const heads = new Map<SessionId, number>();
    const make = async (count: number): Promise<SessionId> => {
      const { id } = await startSession(ada);
      await stopSession(ada, id);
      heads.set(id, await fill(database, id, count));
      return id;
    };
    const few = await make(logs.few);
    const many = await make(logs.many);
    await database.query('vacuum analyze events');
    const headers = { cookie: await signInByCookie(product, ada), origin: product.url };

    const pages = (id: SessionId) => async (): Promise<number[]> => {
      const samples: number[] = [];
      const head = heads.get(id) ?? 0;
      for (let read = 0; read < readsPerRound; read += 1) {
        const after = Math.floor(Math.random() * (head - pageEvents));
        const begun = performance.now();
        const { items } = await ada.client.call(routes.claude.history, {
          params: { id },
          query: { after, limit: pageEvents },
        });
        samples.push(performance.now() - begun);
        if (items.length !== pageEvents) throw new Error(`${items.length} events came after ${after} of ${head}.`);
      }
      return samples;
    };
    const epochs = await database.query<{ id: SessionId; epoch: string }>('select id, epoch from sessions');
    const returns = (id: SessionId) => async (): Promise<number[]> => {
      const samples: number[] = [];
      const seq = heads.get(id) ?? 0;
      const epoch = epochs.find((row) => row.id === id)?.epoch ?? '';
      for (let read = 0; read < readsPerRound / 4; read += 1) {
        const from = { epoch, seq: seq - pageEvents, terminal: null };
        const to = { epoch, seq, terminal: null };
        const found = await comeBack(socketAddress(product, 'ws', id), headers, from, to);
        if (found.lost + found.twice > 0) throw new Error('Events were lost or came twice.');
        samples.push(found.ms);
      }
      return samples;
    };
    const printMachine = watchMachine();
    const measured = await alternate([
      { name: 'few', measure: pages(few) },
      { name: 'many', measure: pages(many) },
      { name: 'back to few', measure: returns(few) },
      { name: 'back to many', measure: returns(many) },
    ]);
    const figures = (name: string): number[] => (measured.get(name) ?? []).map((round) => median(round));
    const page = pairwise(figures('many'), figures('few'), ratio);
    const back = pairwise(figures('back to many'), figures('back to few'), ratio);
    const verdict = (found: readonly number[]): string => (median(found) <= readGoal ? 'reached' : 'missed');
    const count = (events: number): string => events.toLocaleString('en');
    printTable([
      [`reading ${pageEvents} events`, 'a page at random, p50 (rounds)', 'a viewer comes back, p50 (rounds)'],
      [`of ${count(logs.few)}`, ofRounds(figures('few'), ms), ofRounds(figures('back to few'), ms)],
      [`of ${count(logs.many)}`, ofRounds(figures('many'), ms), ofRounds(figures('back to many'), ms)],
      ['ratio', ofRounds(page, times), ofRounds(back, times)],
      [`goal: at most ${readGoal} ×`, verdict(page), verdict(back)],
    ]);
    printMachine();
  } finally {
    await database.close();
  }
};

await withProduct(
  [],
  async ({ product, ada }) => {
    await measureLog(product, ada);
    await measureEcho(product, ada);
  },
  // What goes on by itself goes on as often as on a real site; there, idle ones are parked, too.
  (model) =>
    siteConfigFor(
      model,
      `sessions: { maxPerUser: ${otherSessions + 5}, idleTimeout: 2s }\ncompute: { capacity: ${otherSessions + 5} }`,
    ),
);
