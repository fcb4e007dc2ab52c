// What is always allowed from now on answers what waits in the person's own sessions, however much waits in others'.

import type { ApprovalId, OpenApproval } from '@remote-claude/contract';
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

const asked = (name: string): OpenApproval => ({
  approvalId: name as ApprovalId,
  turnId: null,
  kind: 'tool',
  tool: 'Bash',
  title: 'Run ls',
  input: { command: 'ls' },
  sessionRule: 'ls',
  agent: null,
  askedAt: new Date(0).toISOString(),
});

test('a thousand older questions in a session that is shared with them hide none of their own', async () => {
  const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
  const foreign = (await house.sessions.create(ada, {})).id;
  const [mine, other] = [(await house.sessions.create(bob, {})).id, (await house.sessions.create(bob, {})).id];
  const { db } = house.database;
  await db
    .insertInto('session_members')
    .values({ session_id: foreign, user_id: bob.actor.userId, role: 'editor' })
    .execute();
  const store = createClaudeStore(house.database);
  await house.database.transaction(async (trx) => {
    for (let n = 0; n < 1_000; n += 1) await store.ask(trx, foreign, asked(`theirs-${n}`), new Date(n));
    for (const id of [mine, other]) await store.ask(trx, id, asked('mine'), new Date());
  });
  await claude.answer({ ...bob, sessionId: mine }, 'mine' as ApprovalId, { decision: 'allow', scope: 'always' });
  expect((await claude.approvals(other)).items).toEqual([]);
  // Those wait for one who may allow for always there, or once.
  expect((await claude.approvals(foreign)).items).toHaveLength(1_000);
  expect((await claude.allApprovals(bob, { limit: 200 })).items).toHaveLength(200);
});
