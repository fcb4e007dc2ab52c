// Requests that come twice under one Idempotency-Key, through the whole product: nothing is done twice, also where the
// server was killed before it answered.

import { allRoutes, idempotencyHeader, routes, type Route, type SessionId } from '@remote-claude/contract';
import { always, gate, text, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer, callRoute, type Call } from '../support/calls.js';
import { openDatabase } from '../support/database.js';
import { execute, startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';

let model: ScriptedModel;
let product: Product;
let ada: Person;
let sessionId: SessionId;

beforeAll(async () => {
  model = await startModel([
    { name: 'hold', when: userSays('hold on'), answer: [text('I held on.'), gate('held'), text(' For you.')] },
    { name: 'greet', when: always, answer: [text('Hello.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  sessionId = (await startSession(ada, { name: 'Repeats' })).id;
});
afterAll(async () => {
  await product?.close();
  await model?.close();
});

const send = async (route: Route, key: string, call: Call): Promise<{ status: number; body: unknown }> => {
  const answer = await callRoute(product, route, bearer(ada.token), { ...call, headers: { [idempotencyHeader]: key } });
  return { status: answer.status, body: await answer.json() };
};
const messages = async (): Promise<string[]> => {
  const { items } = await ada.client.call(routes.claude.history, { params: { id: sessionId }, query: { limit: 500 } });
  return items.flatMap(({ event }) => (event.type === 'message.user' ? [event.text.text] : []));
};
/** As after a crash between the act and its answer. */
const forgetAnswers = async (): Promise<void> => {
  const database = await openDatabase(product);
  await database.query("update idempotency set status = null, body = body - 'text'");
  await database.close();
};

it('documents the header on every route that takes it', async () => {
  const document = (await (await fetch(`${product.url}/api/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { operationId: string; parameters: { name: string }[] }>>;
  };
  const documented = Object.values(document.paths)
    .flatMap((operations) => Object.values(operations))
    .filter(({ parameters }) => parameters.some(({ name }) => name === 'Idempotency-Key'))
    .map(({ operationId }) => operationId);
  expect(documented.sort()).toEqual(
    allRoutes
      .filter(({ repeat }) => repeat !== null)
      .map(({ id }) => id)
      .sort(),
  );
  expect(documented).toEqual(
    expect.arrayContaining(['sessions.create', 'claude.chat', 'tasks.create', 'users.create']),
  );
});

describe('what is made', () => {
  const params = (): { id: string } => ({ id: sessionId });
  const makers: [string, Route, () => Call, string][] = [
    ['a session', routes.sessions.create, () => ({ body: { name: 'Made once' } }), 'select id from sessions'],
    [
      'a user',
      routes.users.create,
      () => ({ body: { name: 'Bob', email: 'bob@example.org', password: 'a password for Bob' } }),
      'select id from users',
    ],
    ['a task', routes.tasks.create, () => ({ body: { sessionId, name: 'Greet' } }), 'select id from tasks'],
    [
      'a task in its session',
      routes.tasks.createInSession,
      () => ({ params: params(), body: { name: 'Greet' } }),
      'select id from tasks',
    ],
    [
      'a message',
      routes.claude.chat,
      () => ({ params: params(), body: { message: 'Hi', wait: false } }),
      "select id from commands where type = 'prompt'",
    ],
    [
      'an interrupt',
      routes.claude.interrupt,
      () => ({ params: params() }),
      "select id from commands where type = 'interrupt'",
    ],
  ];

  it.each(makers)('%s is made once, though its answer was lost', async (name, route, call, sql) => {
    const database = await openDatabase(product);
    const before = (await database.query(sql)).length;
    const first = await send(route, name.replaceAll(' ', '-'), call());
    expect(first.status).toBeLessThan(300);
    await forgetAnswers();
    const again = await Promise.all(Array.from({ length: 3 }, () => send(route, name.replaceAll(' ', '-'), call())));
    const idOf = ({ body }: { body: unknown }): unknown =>
      Object.entries(body as object).find(([field]) => ['id', 'messageId', 'commandId'].includes(field))?.[1];
    for (const answer of again) expect([answer.status, idOf(answer)]).toEqual([first.status, idOf(first)]);
    expect(await database.query(sql)).toHaveLength(before + 1);
    await database.close();
  });
});

it('runs no command a second time where it is not known what came of the first', async () => {
  const call = { params: { id: sessionId }, body: { command: 'echo ran >> /workspace/runs.txt' } };
  const first = await send(routes.sessions.execute, 'run', call);
  expect(first).toMatchObject({ status: 200, body: { exitCode: 0 } });
  expect(await send(routes.sessions.execute, 'run', call)).toEqual(first);
  await forgetAnswers();
  expect(await send(routes.sessions.execute, 'run', call)).toMatchObject({
    status: 409,
    body: { error: { code: 'outcome_unknown' } },
  });
  expect((await execute(ada, sessionId, 'cat /workspace/runs.txt')).stdout).toBe('ran\n');
});

it('waits for the answer of the one turn, though the server was killed in its middle', async () => {
  const call = { params: { id: sessionId }, body: { message: 'hold on', wait: true } };
  const asked = (): number => model.requests().filter(({ rule }) => rule === 'hold').length;
  const cut = send(routes.claude.chat, 'hold', call).catch(() => 'cut');
  await model.control.untilWaiting('held', { timeoutMs: 60_000 });
  const meanwhile = send(routes.claude.chat, 'hold', call).catch(() => 'cut');
  await product.kill();
  expect(await Promise.all([cut, meanwhile])).toEqual(['cut', 'cut']);
  await product.restart();
  const repeats = [send(routes.claude.chat, 'hold', call), send(routes.claude.chat, 'hold', call)];
  model.control.release('held');
  const [one, two] = await Promise.all(repeats);
  expect(one).toMatchObject({ status: 200, body: { outcome: 'completed', message: 'I held on. For you.' } });
  expect(two).toEqual(one);
  expect(await send(routes.claude.chat, 'hold', call)).toEqual(one);
  expect((await messages()).filter((said) => said === 'hold on')).toHaveLength(1);
  // Claude itself asks again where the gateway died under its call.
  expect(asked()).toBeLessThanOrEqual(2);
});
