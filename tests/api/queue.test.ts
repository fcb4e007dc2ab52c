// More sessions than places, through the API: who waits is told so, is not forgotten when the server dies, and goes on with what
// was said meanwhile as soon as a place is free.

import { routes, type SessionId } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { startSession, untilRunning } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { addMember, setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { enterAsViewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let ada: Person;
let bob: Person;

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello to you.')] }]);
  product = await startProduct({ config: configFor(model, 'compute: { capacity: 1 }') });
  ada = await setUpAdmin(product);
  bob = await addMember(product, ada, 'Bob');
});
afterAll(async () => {
  await product?.close();
  await model?.close();
});

const see = (person: Person, id: SessionId) => person.client.call(routes.sessions.get, { params: { id } });
const create = async (person: Person, name: string): Promise<SessionId> =>
  (await person.client.call(routes.sessions.create, { body: { name } })).id;
const untilTold = (person: Person, id: SessionId, position: string) =>
  until(
    async () => {
      const { shown, reason } = await see(person, id);
      return (
        shown === 'queued' && reason?.startsWith(`${position} in line: 1 of 1 place is taken. It starts by itself`)
      );
    },
    { what: `session ${id} to be ${position} in line` },
  );

it('waits in sight, keeps what is said to it, outlives the server, and starts in its turn', async () => {
  const { id: first } = await startSession(bob, { name: 'First' });
  const second = await create(ada, 'Second');
  await untilTold(ada, second, '1st');
  const { items } = await ada.client.call(routes.sessions.list, { query: { limit: 10 } });
  expect(items.find(({ id }) => id === second)).toMatchObject({ shown: 'queued', status: 'starting' });

  const viewer = await enterAsViewer(product.url, ada, second);
  const { messageId } = await ada.client.call(routes.claude.chat, {
    params: { id: second },
    body: { message: 'Say hello.', wait: false },
  });
  await viewer.event('message.user');
  await expect(
    ada.client.call(routes.files.list, { params: { id: second }, query: { path: '' } }),
  ).rejects.toMatchObject({
    code: 'place_unreachable',
    message: expect.stringContaining('waits in line') as string,
  });
  const third = await create(bob, 'Third');
  await untilTold(bob, third, '2nd');

  await product.kill();
  await product.restart();
  await untilRunning(bob, first);
  expect((await see(ada, second)).shown).toBe('queued');

  await bob.client.call(routes.sessions.stop, { params: { id: first } });
  const { turnId } = await viewer.event('turn.started', ({ messageIds }) => messageIds.includes(messageId), 120_000);
  const ended = await viewer.event('turn.ended', (event) => event.turnId === turnId);
  expect(ended).toMatchObject({ outcome: 'completed', message: { text: 'Hello to you.' } });
  await untilTold(bob, third, '1st');
  viewer.close();

  // Who comes back stands behind those who wait; who gives up lets them pass.
  await bob.client.call(routes.sessions.start, { params: { id: first } });
  await untilTold(bob, first, '2nd');
  const stopped = await bob.client.call(routes.sessions.stop, { params: { id: third } });
  expect(stopped.wanted).toBe('stopped');
  await untilTold(bob, first, '1st');
  await until(async () => (await see(bob, third)).shown === 'stopped', { what: 'the one that gave up to be stopped' });
  await bob.client.call(routes.sessions.remove, { params: { id: first } });
  expect((await see(bob, first)).shown).toBe('terminated');
  await ada.client.call(routes.sessions.stop, { params: { id: second } });
  await bob.client.call(routes.sessions.start, { params: { id: third } });
  await untilRunning(bob, third);
}, 300_000);
