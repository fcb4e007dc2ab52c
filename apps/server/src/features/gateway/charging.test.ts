import { randomUUID } from 'node:crypto';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentEvent, SessionId, TurnId } from '@remote-claude/contract';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';

import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';
import { createDoors, type Doors } from './doors.js';
import { createModelRules } from './models.js';
import { createForwarder } from './proxy.js';
import { createSessionCall } from './service.js';
import { createGatewayStore } from './store.js';
import type { Upstreams } from './upstream.js';

let house: SessionHouse;
let folder: string;
let model: Server;
/** Calls that have reached the model and wait for their answer. */
let waiting: ServerResponse[] = [];
let doors: Doors;
let sessionId: SessionId;
const forwarder = createForwarder();
const source = randomUUID();
let said = 0;

const socketPath = (): string => join(folder, 'gateway.sock');

beforeAll(async () => {
  house = await createSessionHouse();
  folder = await mkdtemp(join(tmpdir(), 'rc-charging-'));
  model = createServer((incoming, response) => {
    incoming.resume().once('end', () => waiting.push(response));
  });
  await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(model.address() as { port: number }).port}`;
  doors = createDoors({
    tokenOf: () => 'token',
    call: createSessionCall({
      database: house.database,
      store: createGatewayStore(house.database),
      upstreams: { current: async () => ({ baseUrl, apiKey: 'key' }) } as unknown as Upstreams,
      models: createModelRules([]),
      forwarder,
      async appendEvent(trx, id, event, from) {
        await house.events.append(id, [{ source: from, n: 1, event }], { by: 'server' }, trx);
      },
      log: house.log,
    }),
    log: house.log,
  });
});
afterAll(async () => {
  await doors?.closeAll();
  forwarder.close();
  model?.closeAllConnections();
  await new Promise((resolve) => model.close(resolve));
  await rm(folder, { recursive: true, force: true });
  await house?.close();
});
beforeEach(async () => {
  waiting = [];
  if (sessionId !== undefined) await doors.close(sessionId);
  sessionId = (await house.sessions.create(await house.person(), {})).id;
  await doors.open(sessionId, 'p1', { kind: 'unix', path: socketPath(), ownerUid: process.getuid?.() ?? 0 });
});

/** Resolves when the model has it; `answered` when the whole answer has come back. */
const call = async (): Promise<{ answer: ServerResponse; answered: Promise<void> }> => {
  const before = waiting.length;
  const answered = new Promise<void>((resolve, reject) => {
    const headers = { authorization: 'Bearer token', 'content-type': 'application/json' };
    const out = request({ socketPath: socketPath(), path: '/v1/messages', method: 'POST', headers }, (incoming) =>
      incoming.resume().once('end', resolve),
    );
    out.on('error', reject);
    out.end('{}');
  });
  await expect.poll(() => waiting.length).toBe(before + 1);
  return { answer: waiting[before] as ServerResponse, answered };
};
const give = (answer: ServerResponse): void => {
  const body = { model: 'claude-haiku-4-5', usage: { input_tokens: 1_000, output_tokens: 10 } };
  answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const agentSays = async (...events: AgentEvent[]): Promise<void> => {
  const proposals = events.map((event) => ({ source, n: (said += 1), event }));
  const { rejected } = await house.events.append(sessionId, proposals, { by: 'agent' });
  expect(rejected).toEqual([]);
};
const begins = (turnId: TurnId): AgentEvent => ({ type: 'turn.started', turnId, messageIds: [] });
const ends = (turnId: TurnId): AgentEvent => ({
  type: 'turn.ended',
  turnId,
  outcome: 'completed',
  reason: null,
  message: null,
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
  durationMs: 1,
});
const turnIds = (): [TurnId, TurnId] => [randomUUID() as TurnId, randomUUID() as TurnId];

/** The turns that were charged so far, as the usage rows and as the log has them. */
const charged = async (count: number): Promise<(string | null)[]> => {
  const rows = () =>
    house.database.db
      .selectFrom('usage')
      .select('turn_id')
      .where('session_id', '=', sessionId)
      .orderBy('created_at')
      .execute();
  await expect.poll(async () => (await rows()).length, { timeout: 10_000 }).toBe(count);
  const turns = (await rows()).map((row) => row.turn_id);
  const page = await house.events.read(sessionId, { after: 0 }, 500);
  const logged = page.flatMap(({ event }) => (event.type === 'usage.recorded' ? [event.turnId] : []));
  expect(logged).toEqual(turns);
  return turns;
};

it('charges a call to the turn that ran when it was accepted, though the next one runs when its answer ends', async () => {
  const [first, second] = turnIds();
  await agentSays(begins(first));
  const early = await call();
  await agentSays(ends(first), begins(second));
  const late = await call();
  give(early.answer);
  await early.answered;
  expect(await charged(1)).toEqual([first]);
  give(late.answer);
  await late.answered;
  expect(await charged(2)).toEqual([first, second]);
});

it('charges it to its turn when that has ended and none runs', async () => {
  const [turn] = turnIds();
  await agentSays(begins(turn));
  const { answer, answered } = await call();
  await agentSays(ends(turn));
  give(answer);
  await answered;
  expect(await charged(1)).toEqual([turn]);
});

it('charges it to the turn whose beginning comes into the log after the call', async () => {
  const [turn] = turnIds();
  const { answer, answered } = await call();
  await agentSays(begins(turn));
  give(answer);
  await answered;
  expect(await charged(1)).toEqual([turn]);
});

it('charges a call outside of any turn to the owner alone', async () => {
  const { answer, answered } = await call();
  give(answer);
  await answered;
  expect(await charged(1)).toEqual([null]);
});
