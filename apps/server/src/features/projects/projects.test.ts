// Projects on a real database: everyone's own, who is in one and what becomes of their sessions, where a new session belongs.

import { randomUUID } from 'node:crypto';
import type { ProjectRole } from '@remote-claude/contract';
import { AppError } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { MembersChange } from '../../platform/http/index.js';
import { createLimiter } from '../../platform/limiter.js';
import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';
import { createAccess, createAccessStore } from '../access/index.js';
import { sessionChannel } from '../events/index.js';
import { createMembers, createMembersStore } from '../members/index.js';
import { createEntering, createProjects, createProjectsStore } from './index.js';

let house: SessionHouse;
let projects: ReturnType<typeof createProjects>;
let members: ReturnType<typeof createMembers>;
let entering: ReturnType<typeof createEntering>;
let access: ReturnType<typeof createAccess>;
const passed: string[] = [];
beforeAll(async () => {
  house = await createSessionHouse();
  const { database, audit, bus, clock } = house;
  const store = createProjectsStore(database);
  const guesses = createLimiter({ name: 'sharing', times: 2, windowMs: 60_000 });
  access = createAccess({ store: createAccessStore(database), authenticate: async () => null });
  projects = createProjects({
    database,
    store,
    audit,
    bus,
    clock,
    guesses,
    requireModel(model) {
      if (model === 'unknown') throw new AppError('unsupported_option');
    },
    onPassedOn: async (_trx, userId) => void passed.push(userId),
  });
  members = createMembers({ database, store: createMembersStore(database), audit, bus, guesses, access });
  entering = createEntering(store);
});
afterAll(() => house.close());

type Person = Awaited<ReturnType<SessionHouse['person']>>;
const by = (person: Person) => ({ ...person, operationId: randomUUID() });
const make = (person: Person, name = 'Shop') => projects.create(by(person), { name });
const bring = (owner: Person, id: string, person: Person, role: ProjectRole) =>
  projects.addMember(owner, id, { email: person.actor.email, role });
const codeOf = (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => 'done',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
const listed = async (person: Person) =>
  (await house.sessions.list(person, { limit: 50, terminated: 'false' })).items.map(({ id }) => id);
const may = async ({ actor }: Person, sessionId: string) => {
  const permissions = await access.sessionPermissions(actor, sessionId);
  return ['session.chat.read', 'session.chat.write', 'session.manage'].map((one) => permissions.has(one));
};

describe('a personal project', () => {
  test('is there for everybody, has the sessions that name no other, and is neither shared, left nor archived', async () => {
    const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
    const { items } = await projects.list(ada);
    expect(items).toMatchObject([{ name: 'Personal', isPersonal: true, role: 'owner', people: 1, sessions: 0 }]);
    const id = items[0]?.id ?? '';
    const session = await house.sessions.create(ada, {});
    expect(session.project).toEqual({ id, name: 'Personal', isPersonal: true });
    expect(await codeOf(bring(ada, id, bob, 'viewer'))).toBe('conflict');
    expect(await codeOf(projects.archive(ada, id))).toBe('conflict');
    expect(await codeOf(projects.leave(ada, id))).toBe('conflict');
    expect((await projects.get(ada, id)).people).toBe(1);
  });
});

describe('a project', () => {
  test('made twice under one id is one; its parts change one by one', async () => {
    const ada = await house.person();
    const request = by(ada);
    const wanted = { name: 'Shop', description: 'Sells things', defaults: { model: 'claude-x' } };
    const made = await projects.create(request, wanted);
    expect(await projects.create(request, wanted)).toEqual(made);
    expect(made).toMatchObject({ ...wanted, isPersonal: false, role: 'owner', archivedAt: null });
    await projects.patch(ada, made.id, { defaults: { permissionMode: 'plan' } });
    const changed = await projects.patch(ada, made.id, { name: 'Store', defaults: { model: null } });
    expect(changed).toMatchObject({
      name: 'Store',
      description: 'Sells things',
      defaults: { permissionMode: 'plan' },
    });
    expect(changed.defaults).not.toHaveProperty('model');
    expect(await codeOf(projects.patch(ada, made.id, { defaults: { model: 'unknown' } }))).toBe('unsupported_option');
  });

  test('gives its sessions what they begin with, where their maker chooses nothing else', async () => {
    const ada = await house.person();
    const { id } = await make(ada);
    await projects.patch(ada, id, { defaults: { model: 'claude-x', permissionMode: 'plan' } });
    expect(await house.sessions.create(ada, { project: id })).toMatchObject({
      model: 'claude-x',
      permissionMode: 'plan',
    });
    const chosen = await house.sessions.create(ada, { project: id, model: 'claude-y', permissionMode: 'default' });
    expect(chosen).toMatchObject({ model: 'claude-y', permissionMode: 'default', project: { id, name: 'Shop' } });
    const inProject = { limit: 10, terminated: 'false', project: id } as const;
    await house.sessions.create(ada, {});
    expect((await house.sessions.list(ada, inProject)).items).toHaveLength(2);
  });

  test('is entered by its owners and editors, with a session or a fork; a viewer’s fork is their own', async () => {
    const [ada, bob, cyd] = [await house.person('Ada'), await house.person('Bob'), await house.person('Cyd')];
    const { id } = await make(ada);
    const source = (await house.sessions.create(ada, { project: id })).id;
    const besides = (person: Person) =>
      house.database.transaction((trx) => entering.besides(trx, person.actor, source));
    expect(await codeOf(house.sessions.create(bob, { project: id }))).toBe('not_found');
    await bring(ada, id, bob, 'viewer');
    expect(await codeOf(house.sessions.create(bob, { project: id }))).toBe('forbidden');
    const own = (await projects.list(bob)).items[0]?.id;
    expect((await besides(bob)).id).toBe(own);
    expect((await besides(cyd)).id).toBe((await projects.list(cyd)).items[0]?.id);
    await projects.putMember(ada, { id, userId: bob.actor.userId }, 'editor');
    expect((await besides(bob)).id).toBe(id);
    expect((await house.sessions.create(bob, { project: id })).project.id).toBe(id);
  });

  test('is archived once all of its sessions are terminated, and is not entered any more', async () => {
    const ada = await house.person();
    const { id } = await make(ada);
    const session = await house.sessions.create(ada, { project: id });
    await expect(projects.archive(ada, id)).rejects.toThrow(/1 session of this project is not terminated/);
    await house.sessions.terminate(session.id, ada);
    expect((await projects.archive(ada, id)).archivedAt).not.toBeNull();
    expect((await projects.list(ada)).items.map((one) => one.id)).not.toContain(id);
    expect(await codeOf(house.sessions.create(ada, { project: id }))).toBe('conflict');
    expect(await may(ada, session.id)).toEqual([true, true, true]);
  });

  test('a session that is made while it is archived is in it before, or refused', async () => {
    const ada = await house.person();
    for (let n = 0; n < 5; n += 1) {
      const { id } = await make(ada);
      const [made, archived] = await Promise.all([
        codeOf(house.sessions.create(ada, { project: id })),
        codeOf(projects.archive(ada, id)),
      ]);
      expect([made, archived].toSorted()).toEqual(['conflict', 'done']);
    }
  });
});

describe('the people of a project', () => {
  test('have in its sessions what they are in it, at once and for as long', async () => {
    const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
    const told: (MembersChange | null)[] = [];
    const stop = members.onChanged((change) => told.push(change));
    const { id } = await make(ada);
    const session = (await house.sessions.create(ada, { project: id })).id;
    const other = (await house.sessions.create(ada, {})).id;
    expect([await listed(bob), await members.readers(session)]).toEqual([[], [ada.actor.userId]]);
    await bring(ada, id, bob, 'viewer');
    expect(await listed(bob)).toEqual([session]);
    expect([await may(bob, session), await may(bob, other)]).toEqual([
      [true, false, false],
      [false, false, false],
    ]);
    await projects.putMember(ada, { id, userId: bob.actor.userId }, 'owner');
    expect(await may(bob, session)).toEqual([true, true, true]);
    expect(await may(bob, other)).toEqual([false, false, false]);
    expect(new Set(await members.readers(session))).toEqual(new Set([ada.actor.userId, bob.actor.userId]));
    await projects.removeMember(ada, { id, userId: bob.actor.userId });
    expect([await listed(bob), await may(bob, session)]).toEqual([[], [false, false, false]]);
    await expect.poll(() => told).toEqual(Array(3).fill({ sessionId: null, userId: bob.actor.userId }));
    stop();
  });

  test('leave what they made in it to whoever takes them out, or to its oldest owner', async () => {
    const [ada, bob, cyd] = [await house.person('Ada'), await house.person('Bob'), await house.person('Cyd')];
    const { id } = await make(ada);
    await bring(ada, id, bob, 'editor');
    await bring(ada, id, cyd, 'owner');
    const bobs = (await house.sessions.create(bob, { project: id })).id;
    const own = (await house.sessions.create(bob, {})).id;
    await projects.removeMember(cyd, { id, userId: bob.actor.userId });
    expect([await may(bob, bobs), await may(bob, own)]).toEqual([
      [false, false, false],
      [true, true, true],
    ]);
    expect((await house.sessions.get(bobs)).userId).toBe(cyd.actor.userId);
    await house.sessions.stop(bobs, cyd);
    await projects.leave(cyd, id);
    expect((await house.sessions.get(bobs)).userId).toBe(ada.actor.userId);
    expect(passed.slice(-2)).toEqual([bob.actor.userId, cyd.actor.userId]);
    expect(await codeOf(projects.leave(ada, id))).toBe('conflict');
    expect(await codeOf(projects.putMember(ada, { id, userId: ada.actor.userId }, 'viewer'))).toBe('conflict');
  });

  test('who are taken out, or are its owner no more, change nothing that they still had under way', async () => {
    const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
    const { id } = await make(ada);
    const session = (await house.sessions.create(ada, { project: id })).id;
    const itself = { id, userId: bob.actor.userId };
    const acts = [
      () => projects.putMember(bob, itself, 'owner'),
      () => projects.removeMember(bob, { id, userId: ada.actor.userId }),
      () => projects.patch(bob, id, { name: 'Mine' }),
      () => projects.archive(bob, id),
      () => bring(bob, id, bob, 'owner'),
      () => members.put(bob, { ...itself, id: session }, 'editor'),
      () => members.remove(bob, { id: session, userId: ada.actor.userId }),
    ];
    const codes = async () => {
      const all: string[] = [];
      for (const act of acts) all.push(await codeOf(act()));
      return new Set(all);
    };
    await bring(ada, id, bob, 'owner');
    await projects.putMember(ada, itself, 'viewer');
    expect(await codes()).toEqual(new Set(['forbidden']));
    await projects.removeMember(ada, itself);
    expect(await codes()).toEqual(new Set(['not_found']));
    expect(await projects.get(ada, id)).toMatchObject({ name: 'Shop', people: 1, role: 'owner', archivedAt: null });
  });

  test('who are taken out have no share of their own in its sessions either, and keep those elsewhere', async () => {
    const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
    const { id } = await make(ada);
    const inside = (await house.sessions.create(ada, { project: id })).id;
    const outside = (await house.sessions.create(ada, {})).id;
    await bring(ada, id, bob, 'viewer');
    for (const one of [inside, outside]) await members.add(ada, one, { email: bob.actor.email, role: 'editor' });
    await projects.removeMember(ada, { id, userId: bob.actor.userId });
    expect(await listed(bob)).toEqual([outside]);
    expect(await may(bob, inside)).toEqual([false, false, false]);
  });

  test('leave once nothing of theirs runs in it; who has it then is audited and told', async () => {
    const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
    const told: unknown[] = [];
    const { id } = await make(ada);
    await bring(ada, id, bob, 'editor');
    const session = (await house.sessions.create(bob, { project: id })).id;
    await expect(projects.leave(bob, id)).rejects.toThrow(/Stop the session that is yours in this project first/);
    expect((await house.sessions.get(session)).userId).toBe(bob.actor.userId);
    await house.sessions.stop(session, bob);
    const stop = house.bus.subscribe(sessionChannel, (notice) => {
      if (notice.kind === 'message') told.push(notice.payload);
    });
    await projects.leave(bob, id);
    const { details } = await house.database.db
      .selectFrom('audit_logs')
      .select('details')
      .where('user_id', '=', bob.actor.userId)
      .where('action', '=', 'projects.members.leave')
      .executeTakeFirstOrThrow();
    const { userId } = bob.actor;
    expect(details).toEqual({ project: id, user: userId, heir: ada.actor.userId, sessions: [session] });
    await expect.poll(() => told).toContainEqual({ id: session });
    stop();
  });

  test('are brought in by an address only; what is guessed is paced with that of sessions, and stands in the audit log', async () => {
    const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
    const { id } = await make(ada);
    expect(await codeOf(projects.putMember(ada, { id, userId: bob.actor.userId }, 'viewer'))).toBe('not_found');
    const guess = (email: string) => codeOf(projects.addMember(ada, id, { email, role: 'viewer' }));
    const session = (await house.sessions.create(ada, {})).id;
    expect(await guess('nobody@example.org')).toBe('not_found');
    expect(await codeOf(members.add(ada, session, { email: 'none@example.org', role: 'viewer' }))).toBe('not_found');
    expect(await guess('neither@example.org')).toBe('rate_limited');
    const rows = await house.database.db
      .selectFrom('audit_logs')
      .select(['action', 'details'])
      .where('user_id', '=', ada.actor.userId)
      .where('action', 'like', '%refused')
      .execute();
    expect(rows).toEqual([
      {
        action: 'projects.members.add.refused',
        details: { project: id, email: 'nobody@example.org', code: 'not_found' },
      },
      { action: 'members.add.refused', details: { email: 'none@example.org', code: 'not_found' } },
    ]);
  });

  test('see addresses where they are its owners', async () => {
    const [ada, bob] = [await house.person('Ada'), await house.person('Bob')];
    const { id } = await make(ada);
    await bring(ada, id, bob, 'editor');
    const addresses = async (person: Person) => (await projects.members(person, id)).items.map(({ email }) => email);
    expect(await addresses(ada)).toEqual([ada.actor.email, bob.actor.email]);
    expect(await addresses(bob)).toEqual([null, null]);
  });
});
