// What keeps things fails: PostgreSQL ends at once in the middle of writes (F5), and disks are full (F10).

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorBody, fileNode, routes } from '@remote-claude/contract';
import { gate, numbered, userSays, type Rule } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase } from '../support/database.js';
import { agentPid } from '../support/host-processes.js';
import { output, stopSession, untilRunning } from '../support/inside.js';
import { sizeFolder, type SizedFolder } from '../support/sized-folder.js';
import { until } from '../support/wait.js';
import { compare, countUntil, openHouse, printRow, seconds, sumOf, tokens, upTo, type House } from './support.js';

const isRoot = process.getuid?.() === 0;
/** More than what is left in the journal's last page. */
const manyTokens = 800;
const longCount: Rule = {
  name: 'long count',
  when: userSays('count until the full journal'),
  answer: [numbered(40, { delayMs: 5 }), gate('the full journal'), numbered(manyTokens - 40, { from: 41 })],
};
const whole = { lost: 0, twice: 0, wrong: 0 };
let house: House;
const disks: Record<'database' | 'state' | 'workspace', SizedFolder | null> = {
  database: null,
  state: null,
  workspace: null,
};

beforeAll(async () => {
  house = await openHouse([...['the database', 'the full database'].map(countUntil), longCount]);
  if (!isRoot) return;
  const { product, ada, sessionId } = house;
  await stopSession(ada, sessionId);
  await product.stop();
  const disk = join(product.dataDir, 'sessions', sessionId);
  const roomBytes = 48 * 1024 * 1024;
  disks.database = await sizeFolder(join(product.dataDir, 'postgres'), roomBytes);
  disks.state = await sizeFolder(join(disk, 'state'), roomBytes);
  disks.workspace = await sizeFolder(join(disk, 'workspace'), roomBytes);
  await product.restart();
  await ada.client.call(routes.sessions.start, { params: { id: sessionId } });
  await untilRunning(ada, sessionId);
  await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'Hi again' } });
});
afterAll(async () => {
  house?.viewer.close();
  await house?.product.stop();
  for (const disk of Object.values(disks)) await disk?.close();
  await house?.close();
});

/** What a viewer was shown and what is stored, number by number. */
const expectShownIsStored = async (): Promise<void> => {
  const database = await openDatabase(house.product);
  // What comes after a turn, such as its checkpoint, may come while we look.
  const rows = await until(
    async () => {
      const found = await database.query<{ seq: number; event: unknown }>(
        'select seq::int, event from events where session_id = $1 order by seq',
        [house.sessionId],
      );
      return house.viewer.events().at(-1)?.seq === found.at(-1)?.seq ? found : null;
    },
    { what: 'the viewer to have all' },
  );
  await database.close();
  const first = house.viewer.events()[0]?.seq ?? 0;
  const stored = rows.filter(({ seq }) => seq >= first);
  expect(house.viewer.events().map(({ seq }) => seq)).toEqual(stored.map(({ seq }) => seq));
  expect(house.viewer.events().map(({ event }) => event)).toEqual(stored.map(({ event }) => event));
  expect([house.viewer.gaps(), house.viewer.repeats()]).toEqual([[], []]);
};

const untilQuiet = () =>
  until(() => house.viewer.state().turn === null && house.viewer.state().queue.length === 0, {
    what: 'nothing to run or wait',
  });

describe('F5', () => {
  interface Answer {
    status: number;
    code: string | null;
    tookMs: number;
  }
  const ask = async (method: string, path: string, body: unknown, key: string): Promise<Answer> => {
    const startMs = performance.now();
    const answer = await house.ada.fetch(`/sessions/${house.sessionId}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    const code = answer.ok ? null : errorBody.parse(JSON.parse(text)).error.code;
    return { status: answer.status, code, tookMs: performance.now() - startMs };
  };
  /** Two seconds, and room for a machine that starts PostgreSQL beside other work. */
  const answeredWithinMs = 2_000 + 2_500;
  const renamed = async (): Promise<number> => {
    const database = await openDatabase(house.product);
    const [row] = await database.query<{ count: number }>(
      "select count(*)::int as count from audit_logs where action = 'sessions.patch'",
    );
    await database.close();
    return row?.count ?? 0;
  };

  it('PostgreSQL ends at once during writes, three times: nothing is lost or done twice, and it goes on by itself', async () => {
    const before = await renamed();
    const refusals: Answer[] = [];
    const slow: Answer[] = [];
    let done = 0;
    let stopped = false;
    /** Each is sent under its key until it is answered. */
    const untilDone = async (method: string, path: string, body: unknown): Promise<void> => {
      const key = crypto.randomUUID();
      for (;;) {
        const answer = await ask(method, path, body, key);
        if (answer.tookMs > answeredWithinMs) slow.push(answer);
        if (answer.status < 300) return;
        refusals.push(answer);
        if (refusals.length > 5_000) throw new Error('it does not go on');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const renames = async (name: string): Promise<void> => {
      for (let count = 1; !stopped; count += 1) {
        await untilDone('PATCH', '', { name: `${name} ${count}` });
        done += 1;
      }
    };
    let said = 0;
    const messages = async (): Promise<void> => {
      for (; !stopped && said < 30; said += 1)
        await untilDone('POST', '/claude/chat', { message: `note-${said + 1} is kept`, wait: false });
    };
    const turnId = await house.say('Please count until the database.');
    await house.untilStreamed(turnId, 30);
    const writers = [renames('a'), renames('b'), messages()];
    let backMs = 0;
    for (let round = 1; round <= 3; round += 1) {
      const reached = done + 20;
      await until(() => done >= reached, { what: 'the writers to be under way' });
      const refusedBefore = refusals.length;
      const pid = Number(
        (await readFile(join(house.product.dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0],
      );
      // As `pg_ctl stop -m immediate` does it.
      process.kill(pid, 'SIGQUIT');
      const endedAt = performance.now();
      if (round === 2) house.model.control.release('the database');
      await until(() => refusals.length > refusedBefore, { what: 'a writer to be refused' });
      const doneThen = done;
      await until(() => done >= doneThen + 10, { what: 'the writers to go on' });
      backMs = Math.max(backMs, performance.now() - endedAt);
    }
    stopped = true;
    await Promise.all(writers);
    expect((await house.endOf(turnId)).outcome).toBe('completed');
    const rows = (await renamed()) - before;
    const chat = compare(house.tokensOf(turnId), upTo(tokens));
    await untilQuiet();
    const told = house.viewer
      .events()
      .flatMap(({ event }) => (event.type === 'message.user' ? [/^note-(\d+)/.exec(event.text.text)?.[1]] : []))
      .flatMap((number) => (number === undefined ? [] : [Number(number)]));
    // A rename that was done and not answered is done again; its effect is that of once.
    const written = { lost: Math.max(0, done - rows), twice: 0, wrong: slow.length };
    const writes = sumOf(written, compare(told, upTo(said)));
    const longestMs = Math.max(...refusals.map(({ tookMs }) => tookMs));
    const what = `PostgreSQL ended 3 times, ${done + said} writes, refused in ${seconds(longestMs)}`;
    printRow('F5', what, sumOf(chat, writes), backMs);
    expect({ chat, writes, slow }).toEqual({ chat: whole, writes: whole, slow: [] });
    expect(new Set(refusals.map(({ status, code }) => `${status} ${code}`))).toEqual(new Set(['503 unavailable']));
    await expectShownIsStored();
    expect(house.product.stillRuns()).toBe(true);
  });
});

describe.skipIf(!isRoot)('F10: the disk is full', () => {
  const chatWith = (message: string, key: string): Promise<Response> =>
    house.ada.fetch(`/sessions/${house.sessionId}/claude/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ message, wait: false }),
    });
  it('under the work tree: the save fails with a reason, the old file is whole, and saving works again', async () => {
    const { ada, sessionId, viewer } = house;
    const path = `/sessions/${sessionId}/files/kept.bin`;
    const [old, next] = [randomBytes(200_000), randomBytes(900_000)];
    const save = (body: Buffer, match: Record<string, string>) =>
      ada.fetch(path, { method: 'PUT', headers: match, body: new Uint8Array(body) });
    const saved = await save(old, { 'if-none-match': '*' });
    expect(saved.status).toBe(201);
    const etag = fileNode.parse(await saved.json()).etag ?? '';
    await disks.workspace?.fill();
    const refused = await save(next, { 'if-match': etag });
    const { error } = errorBody.parse(await refused.json());
    expect([refused.status, error.code, error.message]).toEqual([
      507,
      'no_space',
      expect.stringContaining('disk is full'),
    ]);
    const read = await ada.fetch(path);
    const kept = Buffer.from(await read.arrayBuffer()).equals(old);
    expect([kept, read.headers.get('etag')]).toEqual([true, etag]);
    const pid = await agentPid(sessionId);
    // Claude works on beside it, and so does a shell.
    expect(await output(ada, sessionId, 'ls -A | grep -c rc-save || true')).toBe('0');
    await disks.workspace?.free();
    const freedAt = performance.now();
    expect((await save(next, { 'if-match': etag })).status).toBe(200);
    const after = Buffer.from(await (await ada.fetch(path)).arrayBuffer()).equals(next);
    const backMs = performance.now() - freedAt;
    printRow('F10', 'disk full: work tree', { lost: kept && after ? 0 : 1, twice: 0, wrong: 0 }, backMs);
    expect(after).toBe(true);
    expect(await agentPid(sessionId)).toBe(pid);
    expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);
  });

  it('under the journal: people are told, Claude waits, and the turn goes on when there is room', async () => {
    const { viewer, sessionId } = house;
    const pid = await agentPid(sessionId);
    const turnId = await house.say('Please count until the full journal.');
    await house.untilStreamed(turnId, 30);
    await disks.state?.fill();
    house.model.control.release('the full journal');
    await until(
      () => viewer.messages().some((message) => message.type === 'notice' && /disk is full/.test(message.payload.text)),
      { what: 'people to be told' },
    );
    expect(viewer.events().some(({ event }) => event.type === 'turn.ended' && event.turnId === turnId)).toBe(false);
    await disks.state?.free();
    const freedAt = performance.now();
    expect((await house.endOf(turnId)).outcome).toBe('completed');
    const backMs = performance.now() - freedAt;
    const chat = compare(house.tokensOf(turnId), upTo(manyTokens));
    printRow('F10', 'disk full: journal', chat, backMs);
    expect(chat).toEqual(whole);
    expect(await agentPid(sessionId)).toBe(pid);
    await untilQuiet();
    await expectShownIsStored();
  });

  it('under the database: what cannot be kept is refused with a reason, what is there is shown, and it heals', async () => {
    const { ada, sessionId, product } = house;
    const turnId = await house.say('Please count until the full database.');
    await house.untilStreamed(turnId, 30);
    await disks.database?.fill();
    const key = crypto.randomUUID();
    const large = randomBytes(70_000).toString('base64');
    let acts = 0;
    // Pages that are there already still take some.
    const refused = await until(
      async () => {
        acts += 1;
        const answer = await chatWith(`Never mind ${acts} ${large}`, acts === 1 ? key : crypto.randomUUID());
        const text = await answer.text();
        return answer.ok ? null : { status: answer.status, ...errorBody.parse(JSON.parse(text)).error };
      },
      { what: 'a refusal' },
    );
    expect(refused).toMatchObject({ status: 503, code: 'unavailable', message: expect.stringMatching(/disk .* full/) });
    expect((await ada.client.call(routes.sessions.get, { params: { id: sessionId } })).id).toBe(sessionId);
    house.model.control.release('the full database');
    await disks.database?.free();
    const freedAt = performance.now();
    expect((await house.endOf(turnId)).outcome).toBe('completed');
    const again = await until(
      async () => {
        const answer = await chatWith('Never mind', crypto.randomUUID());
        return answer.ok ? answer.status : null;
      },
      { what: 'messages to be taken' },
    );
    const backMs = performance.now() - freedAt;
    const chat = compare(house.tokensOf(turnId), upTo(tokens));
    printRow('F10', 'disk full: database', chat, backMs);
    expect([again, chat]).toEqual([202, whole]);
    await untilQuiet();
    await expectShownIsStored();
    expect(product.stillRuns()).toBe(true);
  });
});
