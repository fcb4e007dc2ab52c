// What an agent reports is stored in order, whatever characters are in it; what can never be stored holds nothing up.

import { sql } from 'kysely';
import type { ToAgentControl } from '@remote-claude/contract';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';
import { createIntake } from './intake.js';

let house: SessionHouse;
beforeAll(async () => {
  house = await createSessionHouse({
    projections: () => [
      {
        types: new Set(['terminal.renamed']),
        // A column that does not take what the event says.
        apply: async (trx, { event }) => {
          if (event.type === 'terminal.renamed') await sql`select ${event.name}::int`.execute(trx);
          return [];
        },
      },
    ],
  });
});
afterAll(() => house.close());

const terminalId = '00000000-0000-4000-8000-000000000001';
const opened = (name: string) => ({ type: 'terminal.opened', terminalId, name, cols: 80, rows: 24 });

const newIntake = async () => {
  const { id } = await house.sessions.create(await house.person(), {});
  const said: ToAgentControl[] = [];
  const drop = vi.fn();
  const intake = createIntake({
    sessionId: id,
    fence: { owner: null, number: 0 },
    events: house.events,
    log: house.log,
    send: (message) => void said.push(message),
    drop,
    flow: { hold() {}, release() {} },
    breakOff: drop,
    quota: { refuses: () => null, closed: () => null },
    onQuota() {},
    onHello() {},
    onActivity() {},
  });
  const propose = async (...events: unknown[]): Promise<void> => {
    const proposals = events.map((event, index) => ({ n: index + 1, event }));
    intake.take(JSON.stringify({ type: 'propose', source: 'journal', proposals }));
    await intake.idle();
  };
  const stored = async () =>
    (await house.events.read(id, { after: 0 }, 100))
      .map(({ event }) => event)
      .filter(({ type }) => type.startsWith('t'));
  return { intake, propose, stored, said, drop };
};

test('a NUL and half a character become the replacement character, in names too', async () => {
  const { propose, stored, said, drop } = await newIntake();
  await propose(opened('a\0b'), {
    type: 'text',
    turnId: terminalId,
    blockId: 'b\0',
    text: { text: 'x\ud800y\\u0000', bytes: 5 },
    parentToolUseId: null,
  });
  expect(await stored()).toMatchObject([
    { type: 'terminal.opened', name: 'a\ufffdb' },
    { type: 'text', blockId: 'b\ufffd', text: { text: 'x\ufffdy\\u0000' } },
  ]);
  expect(said).toEqual([{ type: 'ack', source: 'journal', n: 2 }]);
  expect(drop).not.toHaveBeenCalled();
});

test('an event that the database never takes is rejected alone', async () => {
  const { propose, stored, said, drop } = await newIntake();
  await propose(
    opened('before'),
    { type: 'terminal.renamed', terminalId, name: 'no number' },
    { type: 'terminal.renamed', terminalId, name: '12' },
  );
  expect(await stored()).toMatchObject([{ name: 'before' }, { name: '12' }]);
  expect(said).toEqual([
    expect.objectContaining({ type: 'reject', source: 'journal', n: 2 }),
    { type: 'ack', source: 'journal', n: 3 },
  ]);
  expect(drop).not.toHaveBeenCalled();
});

test('a blob that cannot be stored is given up, and what follows it is stored', async () => {
  const { intake, propose, said, drop } = await newIntake();
  const hash = 'a'.repeat(64);
  intake.take(JSON.stringify({ type: 'blob', hash, mediaType: 'text/plain', base64: 'eA==' }));
  await propose(opened('after'));
  expect(said).toEqual([
    { type: 'blob-ack', hash },
    { type: 'ack', source: 'journal', n: 1 },
  ]);
  expect(drop).not.toHaveBeenCalled();
});
