// Messages that wait for Claude: how many, and how much of them, and that one which is refused leaves nothing behind.

import { randomUUID } from 'node:crypto';
import type { CommandId } from '@remote-claude/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';
import { createClaude, createClaudeStore, type Claude } from './index.js';

let house: SessionHouse;
let claude: Claude;
beforeAll(async () => {
  house = await createSessionHouse();
  const { database, events, commands, audit, clock, rules } = house;
  const store = createClaudeStore(database);
  const requireModel = (): void => {};
  claude = createClaude({ rules, database, store, events, commands, audit, clock, requireModel, maxWaitMs: 20_000 });
});
afterAll(() => house.close());

test.each([
  ['too large together', 'x'.repeat(11_000), 'payload_too_large'],
  ['too many', 'x', 'conflict'],
])('a queue of messages that are %s refuses the next one, whole', async (_what, text, code) => {
  const person = await house.person();
  const { id } = await house.sessions.create(person, {});
  const act = { ...person, sessionId: id };
  const send = (messageId: CommandId) => claude.send({ ...act, id: messageId }, text);
  let refusal: unknown = null;
  const refusedId = randomUUID() as CommandId;
  const sent: CommandId[] = [];
  while (refusal === null && sent.length < 200) {
    const messageId = randomUUID() as CommandId;
    await send(messageId).then(
      () => sent.push(messageId),
      (error: unknown) => (refusal = error),
    );
  }
  expect(refusal).toMatchObject({ code });
  await expect(send(refusedId)).rejects.toMatchObject({ code });
  const { state } = await house.events.head(id);
  expect(state.queue.map(({ messageId }) => messageId)).toEqual(sent);
  expect((await house.commands.pending(id, 0, 500)).map(({ command }) => command.id)).toEqual(sent);
  expect(await house.commands.find(house.database.db, id, refusedId)).toBeNull();
});
