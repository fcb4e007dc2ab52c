// The order in which an agent is told its commands, on a real database.

import { randomUUID } from 'node:crypto';
import {
  commandVersions,
  controlVersion,
  type AgentCommand,
  type CommandId,
  type ToAgentControl,
} from '@remote-claude/contract';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import type { Bus } from '../../platform/bus.js';
import { json } from '../../platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.js';
import { createSilentLog } from '../../testing/silent-log.js';
import { createCommands, type Commands } from '../events/index.js';
import { createOutbox } from './outbox.js';

const nobody: Bus = {
  publish: async () => {},
  publishIn: async () => {},
  subscribe: () => () => {},
  close: async () => {},
};

let database: TestDatabase;
let sessionId: string;
let told: string[];
let refused: AgentCommand[];
let reads: number;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  const { db } = database.database;
  const user = await db
    .insertInto('users')
    .values({ email: `${randomUUID()}@example.org`, name: 'A', site_role: 'member' })
    .returning('id')
    .executeTakeFirstOrThrow();
  const session = await db
    .insertInto('sessions')
    .values({ user_id: user.id, name: 's' })
    .returning('id')
    .executeTakeFirstOrThrow();
  sessionId = session.id;
  told = [];
  refused = [];
  reads = 0;
});

const promptOf = (text: string): AgentCommand => ({ id: randomUUID() as CommandId, type: 'prompt', prompt: text });
const store = (text: string) => storeCommand(promptOf(text));
const storeCommand = async (command: AgentCommand): Promise<AgentCommand> => {
  await database.database.db
    .insertInto('commands')
    .values({ session_id: sessionId, id: command.id, type: command.type, payload: json(command), author: null })
    .execute();
  return command;
};
const create = () => {
  const commands: Commands = createCommands(database.database, nobody);
  const send = (message: ToAgentControl, sent: () => void): void => {
    if (message.type === 'command' && message.command.type === 'prompt') told.push(message.command.prompt);
    setImmediate(sent);
  };
  return createOutbox({
    sessionId,
    placeId: 'this-place',
    commands: {
      ...commands,
      pending(...of) {
        reads += 1;
        return commands.pending(...of);
      },
    },
    log: createSilentLog(),
    send,
    refuse: async (command) => void refused.push(command),
    drop: () => {},
  });
};

test('news that comes while nothing older waits is told without a look at the database', async () => {
  const outbox = create();
  outbox.deliver(controlVersion, await store('one'));
  await outbox.idle();
  outbox.deliver(controlVersion, await store('two'));
  await outbox.idle();
  expect({ told, reads }).toEqual({ told: ['one', 'two'], reads: 0 });
});

test('what was told is not told again on the same link, and all that is pending on a new one', async () => {
  const outbox = create();
  const [one, two] = [await store('one'), await store('two')];
  outbox.deliver(controlVersion, one);
  outbox.deliver(controlVersion, two);
  await outbox.idle();
  outbox.deliver(controlVersion);
  await outbox.idle();
  // Its news comes after it was read.
  outbox.deliver(controlVersion, two);
  await outbox.idle();
  expect(told).toEqual(['one', 'two']);
  const next = create();
  next.deliver(controlVersion);
  await next.idle();
  expect(told).toEqual(['one', 'two', 'one', 'two']);
});

test('news that comes while older ones are read waits for them', async () => {
  const outbox = create();
  for (const text of ['one', 'two', 'three']) await store(text);
  outbox.deliver(controlVersion);
  const four = await store('four');
  outbox.deliver(controlVersion, four);
  await outbox.idle();
  expect(told).toEqual(['one', 'two', 'three', 'four']);
});

test('an agent that is too old for a set-up refuses it, unless it is meant for the next place', async () => {
  const setup = { type: 'setup', script: 'true', again: true } as const;
  const idOf = () => randomUUID() as CommandId;
  const here = await storeCommand({ ...setup, id: idOf(), notIn: 'another-place' });
  const next = await storeCommand({ ...setup, id: idOf(), notIn: 'this-place' });
  await store('one');
  const outbox = create();
  outbox.deliver(commandVersions.setup - 1);
  await outbox.idle();
  outbox.deliver(commandVersions.setup - 1, next);
  await outbox.idle();
  expect({ told, refused }).toEqual({ told: ['one'], refused: [here] });
});
