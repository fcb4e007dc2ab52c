import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createFakeClock } from '../../testing/fake-clock.js';
import { createSilentLog } from '../../testing/silent-log.js';
import { createDoorRows } from './door-rows.js';
import { createDoors, type Doors } from './doors.js';
import type { StoredWay } from './store.js';

const log = createSilentLog();
let folder: string;
let rows: StoredWay[];
let gateways: { doors: Doors; look(): Promise<void>; ask(sessionId: string): Promise<void> }[];
/** Answers to calls that wait for a word of the test. */
let letGo: () => void;
let waiting: Promise<void>;

const way = (sessionId: string, placeId: string): StoredWay => ({
  sessionId,
  placeId,
  address: { kind: 'unix', path: join(folder, `${sessionId}.sock`), ownerUid: process.getuid?.() ?? 0 },
});

const openGateway = (name: string) => {
  const doors = createDoors({
    tokenOf: (placeId) => `token of ${placeId}`,
    async call(incoming, response) {
      incoming.resume();
      if (incoming.headers['x-wait'] === 'yes') await waiting;
      response.end(name);
    },
    log,
  });
  const store = {
    doors: async () => rows,
    doorOf: async (id: string) => rows.find(({ sessionId }) => sessionId === id) ?? null,
  };
  const rowsOf = createDoorRows({ store, doors, clock: createFakeClock(), log, everyMs: 1_000 });
  const gateway = { doors, look: rowsOf.lookAtAll, ask: rowsOf.look };
  gateways.push(gateway);
  return gateway;
};

/** Who answers a place's call, or how it failed. */
const call = (sessionId: string, placeId: string, headers: Record<string, string> = {}): Promise<string> =>
  new Promise((resolve) => {
    const outgoing = request(
      {
        socketPath: join(folder, `${sessionId}.sock`),
        path: '/v1/messages',
        method: 'POST',
        headers: { authorization: `Bearer token of ${placeId}`, ...headers },
        agent: false,
      },
      (answer) => {
        let said = '';
        answer.on('data', (part: Buffer) => (said += part.toString()));
        answer.on('end', () => resolve(answer.statusCode === 200 ? said : String(answer.statusCode)));
      },
    );
    outgoing.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? 'failed'));
    outgoing.end('{}');
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rc-rows-'));
  gateways = [];
  rows = [way('a', 'p1'), way('b', 'q1')];
  waiting = new Promise((resolve) => (letGo = resolve));
});
afterEach(async () => {
  letGo();
  for (const { doors } of gateways) await doors.closeAll();
  rmSync(folder, { recursive: true, force: true });
});

describe('doors by the sessions’ rows', () => {
  test('are opened where nobody listens, and closed when the row names no place', async () => {
    const one = openGateway('one');
    await one.look();
    expect([await call('a', 'p1'), await call('b', 'q1')]).toEqual(['one', 'one']);
    rows = [way('a', 'p2')];
    await one.look();
    expect([await call('a', 'p1'), await call('a', 'p2'), await call('b', 'q1')]).toEqual([
      '401',
      'one',
      'ECONNREFUSED',
    ]);
    expect(one.doors.sessions()).toEqual(['a']);
  });

  test('another gateway’s door is left alone while it answers, and taken over when it is dead', async () => {
    const [one, other] = [openGateway('one'), openGateway('other')];
    await one.look();
    await other.look();
    expect([await call('a', 'p1'), other.doors.sessions()]).toEqual(['one', []]);
    await one.doors.closeAll();
    await other.look();
    expect([await call('a', 'p1'), await call('b', 'q1')]).toEqual(['other', 'other']);
  });

  test('a door that another was asked to open is given up, and calls under way there end well', async () => {
    const [one, other] = [openGateway('one'), openGateway('other')];
    await one.look();
    const under = call('a', 'p1', { 'x-wait': 'yes' });
    await other.ask('a');
    expect(await call('a', 'p1')).toBe('other');
    await one.ask('a');
    expect(one.doors.sessions()).toEqual(['b']);
    letGo();
    expect(await under).toBe('one');
    expect(await call('a', 'p1')).toBe('other');
  });

  test('asked for a session without a place it closes what it has', async () => {
    const one = openGateway('one');
    await one.look();
    rows = [];
    await one.ask('a');
    expect([await call('a', 'p1'), one.doors.sessions()]).toEqual(['ECONNREFUSED', ['b']]);
  });

  test('a socket that was removed is made again when it is asked for, and at the next look', async () => {
    const one = openGateway('one');
    for (const again of [() => one.ask('a'), one.look, () => one.doors.open('a', 'p1', way('a', 'p1').address)]) {
      await one.look();
      rmSync(join(folder, 'a.sock'));
      await again();
      expect(await call('a', 'p1')).toBe('one');
    }
  });

  test('one that cannot be opened does not keep the others shut', async () => {
    rows = [
      { ...way('a', 'p1'), address: { ...way('a', 'p1').address, path: join(folder, 'gone', 'a.sock') } as never },
      way('b', 'q1'),
    ];
    const one = openGateway('one');
    await one.look();
    expect(await call('b', 'q1')).toBe('one');
  });
});
