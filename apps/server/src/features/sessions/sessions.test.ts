import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';

let house: SessionHouse;
beforeAll(async () => {
  house = await createSessionHouse({ maxPerUser: 3 });
});
afterAll(() => house.close());

const auditsOf = async (sessionId: string) =>
  (
    await house.database.db
      .selectFrom('audit_logs')
      .selectAll()
      .where('session_id', '=', sessionId)
      .orderBy('id')
      .execute()
  ).map((row) => row.action);

describe('making sessions', () => {
  test('a new one has its events, its audit row and its place in the list', async () => {
    const ada = await house.person();
    const session = await house.sessions.create(ada, { name: 'One', model: 'claude-x', permissionMode: 'plan' });
    expect(session).toMatchObject({
      name: 'One',
      model: 'claude-x',
      permissionMode: 'plan',
      shown: 'starting',
      status: 'starting',
      wanted: 'running',
      ownerName: 'Ada',
      head: 2,
    });
    expect((await house.events.read(session.id, { after: 0 }, 10)).map(({ seq, event }) => [seq, event.type])).toEqual([
      [1, 'session.created'],
      [2, 'place.changed'],
    ]);
    expect(await auditsOf(session.id)).toEqual(['sessions.create']);
    expect((await house.sessions.list(ada, { limit: 10, terminated: 'false' })).items).toEqual([session]);
  });

  test('what it may use is what was asked for, within what the site gives', async () => {
    const ada = await house.person();
    const [plain, large] = [
      await house.sessions.create(ada, {}),
      await house.sessions.create(ada, { resources: { memoryMb: 2048 } }),
    ];
    expect([plain.resources, large.resources]).toEqual([
      { cpus: 1, memoryMb: 1024 },
      { cpus: 1, memoryMb: 2048 },
    ]);
    expect((await house.sessions.get(large.id)).resources).toEqual(large.resources);
    await expect(house.sessions.create(ada, { resources: { memoryMb: 4096 } })).rejects.toMatchObject({
      code: 'unsupported_option',
    });
    expect((await house.sessions.list(ada, { limit: 10, terminated: 'false' })).items).toHaveLength(2);
  });

  test('asked for again under the same id, the first one is the answer, at the limit too', async () => {
    const ada = await house.person();
    const operationId = randomUUID();
    const made = await Promise.all(
      Array.from({ length: 5 }, () => house.sessions.create({ ...ada, operationId }, { name: 'Once' })),
    );
    expect(new Set(made.map(({ id }) => id))).toEqual(new Set([operationId]));
    expect(await auditsOf(operationId)).toEqual(['sessions.create']);
    for (let n = 0; n < 2; n += 1) await house.sessions.create(ada, {});
    expect((await house.sessions.create({ ...ada, operationId }, { name: 'Once' })).id).toBe(operationId);
  });

  test('the limit holds when many are asked for at once, and stopping one makes room', async () => {
    const ada = await house.person();
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => house.sessions.create(ada, {})));
    const sessions = made.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(sessions).toHaveLength(3);
    for (const result of made)
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'session_limit', details: { limit: 3 } });
    const [first] = sessions;
    if (first === undefined) throw new Error('none was made');
    await house.sessions.stop(first.id, ada);
    await house.sessions.create(ada, {});
    await expect(house.sessions.start(first.id, ada)).rejects.toMatchObject({ code: 'session_limit' });
    // The limit is the owner's, whoever starts it.
    await expect(house.sessions.start(first.id, await house.person('Bob'))).rejects.toMatchObject({
      code: 'session_limit',
      message: expect.stringContaining('the owner of this one'),
    });
    expect((await house.sessions.get(first.id)).wanted).toBe('stopped');
  });
});

describe('the list', () => {
  test('pages by last activity without a gap or a repeat, searches names, and shows one’s own alone', async () => {
    const ada = await house.person();
    const bob = await house.person('Bob');
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) {
      const { id } = await house.sessions.create(ada, { name: n === 3 ? '100%_done' : `Session ${n}` });
      ids.unshift(id);
      if (n > 0) await house.sessions.stop(id, ada);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await house.sessions.list(ada, { limit: 3, terminated: 'false', cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(ids);
    expect(
      (await house.sessions.list(ada, { limit: 10, terminated: 'false', search: '%_d' })).items.map(({ name }) => name),
    ).toEqual(['100%_done']);
    expect((await house.sessions.list(bob, { limit: 10, terminated: 'true' })).items).toEqual([]);
    await expect(house.sessions.list(ada, { limit: 3, terminated: 'false', cursor: 'nonsense' })).rejects.toMatchObject(
      { code: 'validation_failed' },
    );
  });

  test('terminated ones are shown where asked for', async () => {
    const ada = await house.person();
    const { id } = await house.sessions.create(ada, {});
    const gone = await house.sessions.terminate(id, ada);
    expect(gone).toMatchObject({ shown: 'terminated', wanted: 'terminated' });
    expect(gone.terminatedAt).not.toBeNull();
    expect((await house.sessions.list(ada, { limit: 10, terminated: 'false' })).items).toEqual([]);
    expect((await house.sessions.list(ada, { limit: 10, terminated: 'true' })).items).toHaveLength(1);
  });
});

describe('changing sessions', () => {
  test('each act is done once, audited each time it is asked, and refused after the end', async () => {
    const ada = await house.person();
    const { id } = await house.sessions.create(ada, {});
    expect((await house.sessions.setup.change(id, ada, { name: 'Other' })).name).toBe('Other');
    await house.sessions.stop(id, ada);
    const { head } = await house.sessions.stop(id, ada);
    expect((await house.sessions.stop(id, ada)).head).toBe(head);
    await house.sessions.start(id, ada);
    await house.sessions.terminate(id, ada);
    expect((await house.sessions.terminate(id, ada)).shown).toBe('terminated');
    for (const act of [house.sessions.stop, house.sessions.start])
      await expect(act(id, ada)).rejects.toMatchObject({ code: 'conflict' });
    expect(await auditsOf(id)).toEqual([
      'sessions.create',
      'sessions.patch',
      ...Array<string>(3).fill('sessions.stop'),
      'sessions.start',
      ...Array<string>(2).fill('sessions.delete'),
    ]);
  });

  test('a session that is not there is not found', async () => {
    const ada = await house.person();
    const nowhere = randomUUID();
    for (const act of [house.sessions.stop, house.sessions.start, house.sessions.terminate]) {
      await expect(act(nowhere, ada)).rejects.toMatchObject({ code: 'not_found' });
    }
    await expect(house.sessions.get(nowhere)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('the log', () => {
  const say = (n: number) => ({
    type: 'todo.changed' as const,
    items: [{ content: String(n), status: 'pending' as const }],
  });

  test('many writers at once get one sequence, and a repeat changes nothing', async () => {
    const ada = await house.person();
    const { id, head } = await house.sessions.create(ada, {});
    const write = (source: string, n: number) =>
      house.events.append(id, [{ source, n, event: say(n) }], { by: 'agent' });
    const writes = ['a', 'b', 'c'].flatMap((source) =>
      Array.from({ length: 20 }, (_, index) => [source, index + 1] as const),
    );
    await Promise.all(writes.flatMap(([source, n]) => [write(source, n), write(source, n)]));
    const all = await house.events.read(id, { after: head }, 500);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, index) => head + index + 1));
    expect((await house.events.head(id)).head).toBe(head + 60);
  });

  test('an agent cannot take a number away from the server by naming its journal alike', async () => {
    const ada = await house.person();
    const { id } = await house.sessions.create(ada, {});
    await house.events.append(id, [{ source: 'gateway:1', n: 1, event: say(1) }], { by: 'agent' });
    const { events } = await house.events.append(
      id,
      [
        {
          source: 'gateway:1',
          n: 1,
          event: { type: 'session.renamed', by: { userId: ada.actor.userId, name: 'Ada' }, name: 'Still' },
        },
      ],
      { by: 'server' },
    );
    expect(events).toHaveLength(1);
    expect((await house.sessions.get(id)).name).toBe('Still');
  });

  test('a follower has every event once and in order, through a restart of the database too', async () => {
    const ada = await house.person();
    const { id } = await house.sessions.create(ada, {});
    const seen: number[] = [];
    const follower = house.events.follow(id, 0, (page) => void seen.push(...page.map(({ seq }) => seq)));
    const write = (n: number) => house.events.append(id, [{ source: 'f', n, event: say(n) }], { by: 'agent' });
    for (let n = 1; n <= 30; n += 1) await write(n);
    await house.testDatabase.cutConnections();
    for (let n = 31; n <= 60; n += 1) await vi.waitFor(() => write(n), { timeout: 20_000, interval: 50 });
    const { head } = await house.events.head(id);
    await vi.waitFor(() => expect(seen.at(-1)).toBe(head), { timeout: 20_000, interval: 20 });
    follower.close();
    expect(seen).toEqual(Array.from({ length: head }, (_, index) => index + 1));
  });

  test('long text is kept whole beside its event, and a blob is its hash', async () => {
    const ada = await house.person();
    const { id } = await house.sessions.create(ada, {});
    const long = 'ä'.repeat(50_000);
    const bounded = await house.database.transaction((trx) => house.events.boundText(trx, id, long));
    expect(bounded).toMatchObject({ bytes: 100_000, blob: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect(bounded.text).toHaveLength(12_000);
    expect(await house.events.wholeText(id, bounded)).toBe(long);
    const bytes = Buffer.from('content');
    const hash = createHash('sha256').update(bytes).digest('hex');
    for (let times = 0; times < 2; times += 1) await house.events.putBlob(id, { hash, mediaType: 'text/plain', bytes });
    await expect(
      house.events.putBlob(id, { hash, mediaType: 'text/plain', bytes: Buffer.from('other') }),
    ).rejects.toMatchObject({
      code: 'bad_request',
    });
    expect(await house.events.wholeText(id, { text: 'con', bytes: 7, blob: hash })).toBe('content');
  });

  test('a transaction that fails leaves no event and tells nobody', async () => {
    const ada = await house.person();
    const { id, head } = await house.sessions.create(ada, {});
    const failing = house.database.transaction(async (trx) => {
      await house.events.append(id, [{ source: 'x', n: 1, event: say(1) }], { by: 'agent' }, trx);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect((await house.events.head(id)).head).toBe(head);
  });
});
