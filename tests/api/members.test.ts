// A session that is shared, by itself and by its project: what an editor and a viewer may do over HTTP and sockets, and how it
// ends when they are taken out.

import {
  routes,
  type ApprovalId,
  type ClientMessage,
  type Member,
  type MemberRole,
  type Project,
  type RuleId,
  type Session,
} from '@remote-claude/contract';
import { always, text, toolUse, userSays, afterTool, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, type ProductDatabase } from '../support/database.js';
import { output, startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { addMember, lockOut, setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { openTerminal } from '../support/terminal.js';
import { openViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let database: ProductDatabase;
/** The site's; not in the session. */
let admin: Person;
let ada: Person;
let bob: Person;
let cyd: Person;
let session: Session;
const open: Viewer[] = [];

beforeAll(async () => {
  model = await startModel([
    {
      name: 'write',
      when: userSays('write'),
      answer: [toolUse('Write', { file_path: '/workspace/shared.txt', content: 'x' })],
    },
    { name: 'written', when: afterTool('Write'), answer: [text('Written.')] },
    { name: 'touch', when: userSays('touch'), answer: [toolUse('Bash', { command: 'touch made' })] },
    { name: 'touched', when: afterTool('Bash'), answer: [text('Touched.')] },
    { name: 'greet', when: always, answer: [text('Hello.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  database = await openDatabase(product);
  admin = await setUpAdmin(product);
  ada = await addMember(product, admin, 'Adele');
  bob = await addMember(product, admin, 'Bob');
  cyd = await addMember(product, admin, 'Cyd');
  session = await startSession(ada, { name: 'Shared work' });
});
afterAll(async () => {
  for (const viewer of open) viewer.close();
  await database?.close();
  await product?.close();
  await model?.close();
});

const params = () => ({ id: session.id });
const share = ({ email }: Person, role: MemberRole) =>
  ada.client.call(routes.members.add, { params: params(), body: { email, role } });
const watch = (person: Person): Viewer => {
  const viewer = openViewer(product.url, person, session.id);
  open.push(viewer);
  return viewer;
};
/** The code of what came of it. */
const outcome = (act: Promise<unknown>): Promise<string> =>
  act.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
/** Tries of a person, as codes. */
const triesOf = async ({ client }: Person) => ({
  see: await outcome(client.call(routes.sessions.get, { params: params() })),
  read: await outcome(client.call(routes.claude.history, { params: params() })),
  list: await outcome(client.call(routes.files.list, { params: params(), query: { path: '' } })),
  say: await outcome(client.call(routes.claude.chat, { params: params(), body: { message: 'Hi.', wait: false } })),
  run: await outcome(client.call(routes.sessions.execute, { params: params(), body: { command: 'true' } })),
  stop: await outcome(client.call(routes.sessions.stop, { params: params() })),
  start: await outcome(client.call(routes.sessions.start, { params: params() })),
  share: await outcome(
    client.call(routes.members.add, { params: params(), body: { email: cyd.email, role: 'editor' } }),
  ),
});
const listed = async ({ client }: Person): Promise<string[]> =>
  (await client.call(routes.sessions.list, { query: {} })).items.map(({ name }) => name);

describe('a session that is shared', () => {
  it('is nothing to a stranger', async () => {
    expect(new Set(Object.values(await triesOf(bob)))).toEqual(new Set(['not_found']));
    expect(await listed(bob)).toEqual([]);
  });

  it('is read by a viewer, and stands in their list', async () => {
    await share(bob, 'viewer');
    expect(await triesOf(bob)).toEqual({
      see: 'done',
      read: 'done',
      list: 'done',
      say: 'forbidden',
      run: 'forbidden',
      stop: 'forbidden',
      start: 'forbidden',
      share: 'forbidden',
    });
    expect(await listed(bob)).toEqual(['Shared work']);
    const viewer = watch(bob);
    await until(() => viewer.messages().some(({ type }) => type === 'hello'), { what: 'the state' });
    const id = viewer.send('claude', { prompt: 'Let me.' } satisfies Payload<'claude'>, crypto.randomUUID());
    const error = await answerTo(viewer, id);
    expect(error).toMatchObject({ type: 'error', payload: { code: 'forbidden' } });
  });

  it('is worked in by an editor, whose open page learns of it, and who answers for it', async () => {
    const viewer = open.at(-1) as Viewer;
    const hellos = () => viewer.messages().filter(({ type }) => type === 'hello').length;
    const before = hellos();
    await share(bob, 'editor');
    await until(() => hellos() > before, { what: 'the page to come back' });
    expect(await triesOf(bob)).toMatchObject({
      say: 'done',
      run: 'done',
      stop: 'forbidden',
      start: 'done',
      share: 'forbidden',
    });

    await ada.client.call(routes.claude.chat, { params: params(), body: { message: 'Please write.', wait: false } });
    const { approval } = await viewer.event('approval.asked');
    const inbox = (await bob.client.call(routes.claude.allApprovals, { query: {} })).items;
    expect(inbox.map(({ approvalId }) => approvalId)).toEqual([approval.approvalId]);
    const answer = (scope: 'once' | 'always') =>
      bob.client.call(routes.claude.answer, {
        params: { ...params(), approvalId: approval.approvalId },
        body: { decision: 'allow', scope },
      });
    // What is allowed for ever is the owner's to say.
    expect(await outcome(answer('always'))).toBe('forbidden');
    expect(await answer('once')).toMatchObject({ answeredBy: { name: 'Bob' } });
    await viewer.event('turn.ended', ({ outcome: how }) => how === 'completed');
  });

  it('has one who types at a time, and hands it over in sight of all', async () => {
    const [mine, theirs] = [watch(ada), open[0] as Viewer];
    await until(() => mine.messages().some(({ type }) => type === 'hello'), { what: 'the state' });
    const terminal = await openTerminal(mine);
    terminal.type('echo fi""rst\r');
    await terminal.until(/first/);
    theirs.send('terminal', { action: 'attach', terminalId: terminal.id } satisfies Payload<'terminal'>);
    const writers = (viewer: Viewer) =>
      viewer
        .messages()
        .flatMap((message) => (message.type === 'terminal-writer' ? [message.payload.writer?.name] : []));
    await until(() => writers(theirs).at(-1) === 'Adele', { what: 'the word who types' });
    theirs.send('terminal', { action: 'take', terminalId: terminal.id } satisfies Payload<'terminal'>);
    await until(() => writers(mine).at(-1) === 'Bob', { what: 'the hand-over' });
    terminal.type('echo sec""ond\r');
    await until(
      () =>
        mine
          .messages()
          .some(({ type, payload }) => type === 'error' && 'code' in payload && payload.code === 'conflict'),
      { what: 'the refusal' },
    );
    expect(terminal.text()).not.toContain('second');
  });

  it('is gone for one who is taken out: what they have under way over HTTP ends, and changes nothing', async () => {
    await share(cyd, 'editor');
    const sent = new TransformStream<Uint8Array, Uint8Array>();
    const body = sent.writable.getWriter();
    const file = cyd.fetch(`/sessions/${session.id}/files/late.txt`, {
      method: 'PUT',
      headers: { 'if-none-match': '*' },
      body: sent.readable,
      duplex: 'half',
    } as RequestInit);
    const saved = file.then(
      ({ ok }) => ok,
      () => false,
    );
    await body.write(Buffer.from('half of it'));
    const command = 'touch begun; exec sleep 7777';
    const ran = outcome(cyd.client.call(routes.sessions.execute, { params: params(), body: { command } }));
    const files = async () =>
      (await ada.client.call(routes.files.list, { params: params(), query: { path: '' } })).items.map(
        ({ name }) => name,
      );
    await until(async () => (await files()).includes('begun'), { what: 'the command to run' });
    const [cyds] = (await ada.client.call(routes.members.list, { params: params() })).items.slice(-1);
    if (cyds === undefined) throw new Error('Cyd is not in the session.');
    await ada.client.call(routes.members.remove, { params: { ...params(), userId: cyds.userId } });
    expect(await ran).not.toBe('done');
    await body.close().catch(() => {});
    expect(await saved).toBe(false);
    const sleeping = `cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep [7]777' || true`;
    await until(async () => (await output(ada, session.id, sleeping)) === '0', { what: 'the command to end' });
    expect(await files()).not.toContain('late.txt');
  });

  it('is gone for one who is taken out, at once and everywhere', async () => {
    const viewer = open[0] as Viewer;
    const { items, owner } = await ada.client.call(routes.members.list, { params: params() });
    expect([owner.name, items.map(({ name, role }) => [name, role])]).toEqual(['Adele', [['Bob', 'editor']]]);
    const [first] = items;
    if (first === undefined) throw new Error('Nobody is in the session.');
    const eventsBefore = viewer.events().length;
    await ada.client.call(routes.members.remove, { params: { ...params(), userId: first.userId } });
    expect(new Set(Object.values(await triesOf(bob)))).toEqual(new Set(['not_found']));
    expect(await listed(bob)).toEqual([]);
    await ada.client.call(routes.claude.chat, { params: params(), body: { message: 'Alone again.', wait: true } });
    expect(viewer.events().length).toBe(eventsBefore);
  });

  it('is left by one who wants no part in it, as if it had never been theirs; its owner cannot', async () => {
    const leave = ({ client }: Person) => outcome(client.call(routes.members.leave, { params: params() }));
    await share(cyd, 'editor');
    await ada.client.call(routes.claude.chat, { params: params(), body: { message: 'Please write.', wait: false } });
    const inbox = async () =>
      (await cyd.client.call(routes.claude.allApprovals, { query: {} })).items.map(({ approvalId }) => approvalId);
    const approvalId = await until(async () => (await inbox())[0], { what: 'the question' });
    expect([await leave(ada), await leave(bob), await leave(cyd)]).toEqual(['forbidden', 'not_found', 'done']);
    expect(await inbox()).toEqual([]);
    expect(await listed(cyd)).toEqual([]);
    expect(await leave(cyd)).toBe('not_found');
    await ada.client.call(routes.claude.answer, {
      params: { ...params(), approvalId },
      body: { decision: 'deny' },
    });
  });

  it('is shared with nobody unknown, and not with its owner', async () => {
    const add = (email: string) =>
      outcome(ada.client.call(routes.members.add, { params: params(), body: { email, role: 'viewer' } }));
    expect([await add('nobody@example.org'), await add(ada.email)]).toEqual(['not_found', 'conflict']);
  });

  it('shows addresses to its owner alone, and nobody is brought in by their number', async () => {
    const added = await share(cyd, 'editor');
    await share(bob, 'viewer');
    const addresses = async ({ client }: Person) =>
      (await client.call(routes.members.list, { params: params() })).items.map(({ email }) => email);
    expect(await addresses(ada)).toEqual([cyd.email, bob.email]);
    expect([await addresses(cyd), await addresses(bob)]).toEqual([
      [null, null],
      [null, null],
    ]);
    const put = (userId: Member['userId']) =>
      ada.client.call(routes.members.put, { params: { ...params(), userId }, body: { role: 'viewer' } });
    const { user } = await admin.client.call(routes.auth.currentUser, {});
    expect(await outcome(put(user.id))).toBe('not_found');
    // Of one who may not sign in any more, too.
    await lockOut(admin, cyd);
    expect(await put(added.userId)).toMatchObject({ userId: added.userId, role: 'viewer' });
  });

  it('lets its owner guess addresses 20 times an hour, in sight of the audit log, and share all the while before', async () => {
    const add = (email: string) =>
      outcome(bob.client.call(routes.members.add, { params: { id: own.id }, body: { email, role: 'viewer' } }));
    const own = await bob.client.call(routes.sessions.create, { body: { name: 'Bob’s own' } });
    const outcomes: string[] = [];
    for (let n = 1; n <= 19; n += 1) outcomes.push(await add(`guess-${n}@example.org`));
    expect(new Set(outcomes)).toEqual(new Set(['not_found']));
    for (let n = 1; n <= 3; n += 1) expect(await add(ada.email)).toBe('done');
    const last = await Promise.all(['guess-20', 'guess-21', 'guess-22'].map((name) => add(`${name}@example.org`)));
    expect(last.toSorted()).toEqual(['not_found', 'rate_limited', 'rate_limited']);
    expect(await add(admin.email)).toBe('rate_limited');
    const rows = await database.query<{ details: unknown }>(
      `select details from audit_logs where action = 'members.add.refused' and session_id = $1 order by id`,
      [own.id],
    );
    expect(rows).toHaveLength(20);
    expect(rows[0]?.details).toEqual({ email: 'guess-1@example.org', code: 'not_found' });
    await bob.client.call(routes.sessions.remove, { params: { id: own.id } });
  });
});

describe('a project that is shared', () => {
  /** Two of the project, and one outside of it. */
  let first: Session, second: Session, outside: Session;
  let project: Project;
  /** Claude is to run the same command again; what it asks before it does, or null where it is allowed. */
  const touch = async ({ id }: Session) => {
    const said = await ada.client.call(routes.claude.chat, {
      params: { id },
      body: { message: 'touch it', wait: false },
    });
    const waiting = async () => (await ada.client.call(routes.claude.approvals, { params: { id } })).items[0];
    const isOver = async () => {
      const { items } = await ada.client.call(routes.claude.history, { params: { id }, query: { limit: 500 } });
      const begun = items.find(
        ({ event }) => event.type === 'turn.started' && event.messageIds.includes(said.messageId),
      )?.seq;
      return items.some(({ seq, event }) => event.type === 'turn.ended' && begun !== undefined && seq > begun);
    };
    await until(async () => (await waiting()) !== undefined || (await isOver()), { what: 'a question or the end' });
    return (await waiting())?.approvalId ?? null;
  };
  const answer = (of: Session, approvalId: ApprovalId, body: { decision: 'allow' | 'deny'; scope?: 'project' }) =>
    ada.client.call(routes.claude.answer, { params: { id: of.id, approvalId }, body });

  it('shows its sessions to its people, and no other', async () => {
    project = await ada.client.call(routes.projects.create, { body: { name: 'Shop' } });
    first = await startSession(ada, { name: 'In the shop', project: project.id });
    second = await startSession(ada, { name: 'Also in the shop', project: project.id });
    outside = await startSession(ada, { name: 'Outside' });
    expect(await listed(bob)).toEqual(['Shared work']);
    const body = { email: bob.email, role: 'editor' } as const;
    await ada.client.call(routes.projects.addMember, { params: { id: project.id }, body });
    expect((await listed(bob)).toSorted()).toEqual(['Also in the shop', 'In the shop', 'Shared work']);
    const ran = { params: { id: first.id }, body: { command: 'true' } };
    expect(await outcome(bob.client.call(routes.sessions.execute, ran))).toBe('done');
  });

  it('has what is allowed in it allowed in all of its sessions, and asked again once it is revoked', async () => {
    const asked = await touch(first);
    expect(asked).not.toBeNull();
    const waitsToo = await touch(second);
    expect(waitsToo).not.toBeNull();
    await answer(first, asked as ApprovalId, { decision: 'allow', scope: 'project' });
    const isOpen = async () =>
      (await ada.client.call(routes.claude.approvals, { params: { id: second.id } })).items.length > 0;
    await until(async () => !(await isOpen()), { what: 'what waited in the other session to be answered' });
    expect(await touch(second)).toBeNull();
    const foreign = await touch(outside);
    expect(foreign).not.toBeNull();
    await answer(outside, foreign as ApprovalId, { decision: 'deny' });
    const [rule] = (await bob.client.call(routes.projects.rules, { params: { id: project.id } })).items;
    expect(rule).toMatchObject({ words: 'exactly this command: touch made', by: { name: 'Adele' } });
    const params = { ruleId: rule?.id ?? ('' as RuleId) };
    expect(await outcome(bob.client.call(routes.claude.revokeRule, { params }))).toBe('forbidden');
    await ada.client.call(routes.claude.revokeRule, { params });
    // Its agents are told a moment later.
    const again = await until(() => touch(second), { what: 'the question to come again' });
    await answer(second, again, { decision: 'deny' });
    for (const { id } of [first, second])
      await until(
        async () => {
          const { shown } = await ada.client.call(routes.sessions.get, { params: { id } });
          return shown === 'idle' || shown === 'completed';
        },
        { what: 'the end of the turn' },
      );
  });

  it('is gone for one who is taken out, with their open pages of all of its sessions', async () => {
    const viewers = [openViewer(product.url, bob, first.id), openViewer(product.url, bob, second.id)];
    open.push(...viewers);
    for (const viewer of viewers)
      await until(() => viewer.messages().some(({ type }) => type === 'hello'), { what: 'the state' });
    const seen = viewers.map((viewer) => viewer.events().length);
    const { items } = await ada.client.call(routes.projects.members, { params: { id: project.id } });
    const userId = items.find(({ name }) => name === 'Bob')?.userId;
    if (userId === undefined) throw new Error('Bob is not in the project.');
    await ada.client.call(routes.projects.removeMember, { params: { id: project.id, userId } });
    expect(await listed(bob)).toEqual(['Shared work']);
    expect(await outcome(bob.client.call(routes.sessions.get, { params: { id: first.id } }))).toBe('not_found');
    for (const { id } of [first, second])
      await ada.client.call(routes.claude.chat, { params: { id }, body: { message: 'Alone again.', wait: true } });
    expect(viewers.map((viewer) => viewer.events().length)).toEqual(seen);
  });
});

type Payload<T extends ClientMessage['type']> = Extract<ClientMessage, { type: T }>['payload'];

const answerTo = async (viewer: Viewer, id: string) => {
  const find = () => viewer.messages().find((message) => message.id === id);
  await until(() => find() !== undefined, { what: `the answer to ${id}` });
  return find();
};
