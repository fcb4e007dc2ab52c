// What is allowed in a project: who may say so, where it counts, what it answers, and that agents are told.

import { randomUUID } from 'node:crypto';
import type { ApprovalId, ProjectRole } from '@remote-claude/contract';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { ask, createConversationHouse, patience, type ConversationHouse } from '../../testing/conversation-house.js';
import type { Places } from './index.js';

let stage: ConversationHouse;
let house: ConversationHouse['house'];
let claude: ConversationHouse['claude'];
let places: Places;
beforeAll(async () => {
  stage = await createConversationHouse();
  ({ house, claude } = stage);
  places = house.newPlaces(stage.driver);
});
afterAll(async () => {
  await places?.close();
  await stage?.close();
});

type Person = Awaited<ReturnType<ConversationHouse['house']['person']>>;
const rule = { kind: 'command', command: 'ls' };
const forProject = { decision: 'allow', scope: 'project' } as const;

/** A project of these people. */
const projectOf = async (people: readonly (readonly [Person, ProjectRole])[]): Promise<string> => {
  const { db } = house.database;
  const [[maker] = []] = people;
  const { id } = await db
    .insertInto('projects')
    .values({ user_id: maker?.actor.userId ?? '', name: 'Shop' })
    .returning('id')
    .executeTakeFirstOrThrow();
  for (const [{ actor }, role] of people)
    await db.insertInto('project_members').values({ project_id: id, user_id: actor.userId, role }).execute();
  return id;
};
const idle = async (person: Person, project?: string): Promise<string> => {
  const { id } = await house.sessions.create(person, project === undefined ? {} : { project: project as never });
  await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('idle'), patience);
  return id;
};
const asks = async (sessionId: string, name: string): Promise<ApprovalId> => {
  ask(stage.agentOf(sessionId), name, null, { sessionRule: 'ls' });
  await vi.waitFor(
    async () => expect((await claude.approvals(sessionId)).items.map((one) => one.approvalId)).toContain(name),
    patience,
  );
  return name as ApprovalId;
};
const openIn = async (sessionId: string) => (await claude.approvals(sessionId)).items.length;
const toldTo = (sessionId: string) =>
  stage.agentOf(sessionId).control.flatMap((message) => (message.type === 'rules' ? [message.rules] : []));
const answersTo = (sessionId: string) =>
  stage
    .agentOf(sessionId)
    .control.flatMap((message) =>
      message.type === 'command' && message.command.type === 'answer' ? [message.command.answer] : [],
    );

test('an owner of the project allows in all of its sessions, whoever’s they are, and in no other', async () => {
  const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
  const project = await projectOf([
    [ada, 'owner'],
    [bob, 'editor'],
  ]);
  const [first, second] = [await idle(ada, project), await idle(bob, project)];
  const [outside, bobs] = [await idle(ada), await idle(bob)];
  for (const id of [first, second, outside, bobs]) await asks(id, 'same');
  const act = { ...ada, sessionId: first, id: randomUUID() as never };
  await claude.answer(act, 'same' as ApprovalId, forProject);
  // What waits under it anywhere in the project is answered with it.
  expect(await Promise.all([first, second, outside, bobs].map(openIn))).toEqual([0, 0, 1, 1]);
  for (const id of [first, second]) {
    await vi.waitFor(() => expect(toldTo(id).at(-1)).toEqual([rule]), patience);
    // An agent of any version knows this answer.
    await vi.waitFor(() => expect(answersTo(id)).toEqual([{ decision: 'allow', scope: 'once' }]), patience);
    const events = await house.events.read(id, { after: 0 }, 100);
    expect(events.flatMap(({ event }) => (event.type === 'approval.answered' ? [event] : []))).toMatchObject([
      { by: { name: 'Ada' }, scope: 'always', forProject: 'Shop' },
    ]);
  }
  expect([toldTo(outside), toldTo(bobs)]).toEqual([[[]], [[]]]);
  // A session that is made later is told it too.
  const later = await idle(bob, project);
  await vi.waitFor(() => expect(toldTo(later).at(-1)).toEqual([rule]), patience);

  // Told again it is the same act; with another scope it is none.
  await claude.answer(act, 'same' as ApprovalId, forProject);
  await expect(claude.answer(act, 'same' as ApprovalId, { decision: 'allow', scope: 'once' })).rejects.toMatchObject({
    code: 'conflict',
  });

  const [listed] = (await house.rules.list(ada)).items;
  expect(listed).toMatchObject({ rule, project: { id: project, name: 'Shop' }, by: { name: 'Ada' } });
  expect((await house.rules.list(bob)).items).toEqual([]);
  expect((await house.rules.ofProject(project)).items).toEqual([listed]);
  const revoke = (person: Person) => house.rules.revoke(person, listed?.id ?? '');
  await expect(revoke(bob)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(revoke(await house.person('Cyd'))).rejects.toMatchObject({ code: 'not_found' });
  await revoke(ada);
  for (const id of [first, second, later]) await vi.waitFor(() => expect(toldTo(id).at(-1)).toEqual([]), patience);
  const rows = await house.database.db
    .selectFrom('audit_logs')
    .select(['action', 'details'])
    .where('user_id', '=', ada.actor.userId)
    .orderBy('id')
    .execute();
  expect(rows.slice(-3)).toMatchObject([
    { action: 'claude.answer', details: { scope: 'project' } },
    { action: 'claude.answer', details: { scope: 'project' } },
    { action: 'approvals.rules.delete', details: { rule, project } },
  ]);
});

test('others allow once or for the session; the owner of a personal project allows in it', async () => {
  const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
  const project = await projectOf([
    [ada, 'owner'],
    [bob, 'editor'],
  ]);
  const [theirs, own, beside] = [await idle(bob, project), await idle(bob), await idle(bob)];
  const name = await asks(theirs, 'asked');
  await expect(claude.answer({ ...bob, sessionId: theirs }, name, forProject)).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('its owners') as string,
  });
  // And the owner of the project nothing for ever in sessions that are another's.
  const always = { decision: 'allow', scope: 'always' } as const;
  await expect(claude.answer({ ...ada, sessionId: theirs }, name, always)).rejects.toMatchObject({ code: 'forbidden' });
  expect(await openIn(theirs)).toBe(1);
  await asks(own, 'mine');
  await asks(beside, 'mine too');
  await claude.answer({ ...bob, sessionId: own }, 'mine' as ApprovalId, forProject);
  expect(await Promise.all([own, beside, theirs].map(openIn))).toEqual([0, 0, 1]);
  await vi.waitFor(() => expect(toldTo(beside).at(-1)).toEqual([rule]), patience);
  expect(toldTo(theirs)).toEqual([[]]);
});
