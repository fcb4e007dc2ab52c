// Forking a session in real places: the new one has the files and the memory of a moment, and goes its own way.

import {
  idempotencyHeader,
  routes,
  type CommandId,
  type EventOf,
  type Session,
  type SessionId,
} from '@remote-claude/contract';
import { afterTool, always, text, toolUse, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, type ProductDatabase } from '../support/database.js';
import { output, startSession, stopSession, untilRunning } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { addMember, setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { openViewer, type Viewer } from '../support/viewer.js';

const prepare =
  'mkdir -p src/deep/empty node_modules/dependency && echo one > src/a.txt && chmod 600 src/a.txt && printf "#!/bin/sh\n" > run.sh && chmod 755 run.sh && ln -s /nowhere dangling && head -c 52428800 /dev/urandom > big.bin && git init -q . && git add src && touch node_modules/dependency/x';
const change = 'rm -r src && chmod 600 run.sh && ln -sfn run.sh dangling && echo x > "a new file"';
const account =
  'find . -mindepth 1 -not -path "./node_modules*" -printf "%P %y %m %l\\n" | sort; find . -type f -not -path "./node_modules*" -print0 | sort -z | xargs -0 -r sha256sum';
/** More than an event carries. */
const long = `word-long ${'and so on '.repeat(3_000)}`;

let model: ScriptedModel;
let product: Product;
let database: ProductDatabase;
let ada: Person, bob: Person, cyd: Person;
let source: Session;
let viewer: Viewer;
const open: Viewer[] = [];
let changing: CommandId;
let before: string;

const watch = (person: Person, id: string): Viewer => {
  const opened = openViewer(product.url, person, id);
  open.push(opened);
  return opened;
};
const say = async (person: Person, id: SessionId, message: string): Promise<string | null> => {
  const answer = await person.client.call(routes.claude.chat, { params: { id }, body: { message } });
  return 'message' in answer ? answer.message : null;
};
const fork = (person: Person, id: SessionId, body: { messageId?: CommandId; name?: string } = {}): Promise<Session> =>
  person.client.call(routes.sessions.fork, { params: { id }, body });
const refusal = (act: Promise<unknown>): Promise<{ code: string; message: string }> =>
  act.then(
    () => ({ code: 'done', message: '' }),
    (error: unknown) => error as { code: string; message: string },
  );

beforeAll(async () => {
  model = await startModel([
    { name: 'change', when: userSays('please change'), answer: [toolUse('Bash', { command: change })] },
    { name: 'changed', when: afterTool('Bash'), answer: [text('Done.')] },
    {
      name: 'heard',
      when: userSays('what did you hear'),
      answer: (conversation) => {
        const words = JSON.stringify(conversation).matchAll(/word-(\w+)/g);
        return [text(`heard ${[...new Set([...words].map((match) => match[1]))].join(',')}`)];
      },
    },
    { name: 'any', when: always, answer: [text('Yes.')] },
  ]);
  product = await startProduct({ config: configFor(model, 'sessions: { maxPerUser: 3 }') });
  database = await openDatabase(product);
  ada = await setUpAdmin(product);
  bob = await addMember(product, ada, 'Bob');
  cyd = await addMember(product, ada, 'Cyd');
  source = await startSession(ada, { name: 'First' });
  viewer = watch(ada, source.id);
  await output(ada, source.id, prepare);
  await say(ada, source.id, `remember word-one`);
  await say(ada, source.id, long);
  before = await output(ada, source.id, account);
  ({ messageId: changing } = await ada.client.call(routes.claude.chat, {
    params: { id: source.id },
    body: { message: 'please change, word-two', wait: false },
  }));
  const { approval } = await viewer.event('approval.asked');
  await ada.client.call(routes.claude.answer, {
    params: { id: source.id, approvalId: approval.approvalId },
    body: { decision: 'allow', scope: 'session' },
  });
  const { turnId } = await viewer.event('turn.started', ({ messageIds }) => messageIds.includes(changing));
  await viewer.event('turn.ended', (event) => event.turnId === turnId);
  await viewer.event('checkpoint.taken', (event) => event.reason === 'after-turn' && event.turnId === turnId);
});
afterAll(async () => {
  for (const opened of open) opened.close();
  await database?.close();
  await product?.close();
  await model?.close();
});

describe('a fork from an earlier message', () => {
  let forked: Session;

  it('begins with that moment and leaves the other as it is', async () => {
    const after = await output(ada, source.id, account);
    forked = await fork(ada, source.id, { messageId: changing });
    expect(forked).toMatchObject({
      name: 'First (fork)',
      ownerName: 'Ada',
      shown: 'starting',
      forkedFrom: { sessionId: source.id, messageId: changing, name: 'First' },
      costUsd: 0,
      openApprovals: 0,
    });
    // What is said before the files are there waits for them.
    const early = await ada.client.call(routes.claude.chat, {
      params: { id: forked.id },
      body: { message: 'what did you hear', wait: false },
    });
    const log = watch(ada, forked.id);
    const { turnId } = await log.event(
      'turn.started',
      ({ messageIds }) => messageIds.includes(early.messageId),
      120_000,
    );
    const types = log.events().map(({ event }) => event.type);
    expect(types.indexOf('fork.filled')).toBeGreaterThan(0);
    expect(types.lastIndexOf('turn.started')).toBeGreaterThan(types.indexOf('fork.filled'));
    const ended = await log.event('turn.ended', (event) => event.turnId === turnId);
    expect(ended.message?.text).toBe('heard one,long');
    expect(await output(ada, forked.id, account)).toBe(before);
    expect(await output(ada, forked.id, 'ls -d node_modules 2>&1 || true')).toContain('No such file');
    expect(await log.event('fork.filled')).toMatchObject({ isExact: true, leftOut: 1, skipped: { count: 0 } });
    expect([log.gaps(), log.repeats()]).toEqual([[], []]);

    expect(await output(ada, source.id, account)).toBe(after);
    expect(await say(ada, source.id, 'what did you hear')).toBe('heard one,long,two');
  }, 240_000);

  it('has the history up to there, with its authors and times, and none of its cost, tasks, questions or terminals', async () => {
    const { items } = await ada.client.call(routes.claude.history, {
      params: { id: forked.id },
      query: { limit: 200 },
    });
    const { items: all } = await ada.client.call(routes.claude.history, {
      params: { id: source.id },
      query: { limit: 200 },
    });
    const events = items.map(({ event }) => event);
    const at = events.findIndex(({ type }) => type === 'session.forked');
    const copied = items.slice(1, at);
    expect(events[0]).toMatchObject({ type: 'session.created', by: { name: 'Ada' }, name: 'First (fork)' });
    expect(new Set(copied.map(({ event }) => event.type))).toEqual(
      new Set(['message.user', 'turn.started', 'text', 'turn.ended']),
    );
    for (const { event, at: when } of copied) {
      const same = all.find((one) => one.at === when && one.event.type === event.type);
      expect(same?.event).toEqual(
        event.type === 'turn.ended' ? { ...event, usage: expect.anything() as never } : event,
      );
    }
    const said = copied.flatMap(({ event }) => (event.type === 'message.user' ? [event] : []));
    expect(said.map(({ text: { text: words } }) => words.slice(0, 13))).toEqual(['remember word', 'word-long and']);
    // What is too long for an event is there too.
    const { blob = '' } = (said[1] as EventOf<'message.user'>).text;
    const whole = await ada.fetch(`/sessions/${forked.id}/blobs/${blob}`);
    expect([whole.status, (await whole.text()) === long]).toEqual([200, true]);

    const [rows] = await database.query<{ count: number }>(
      'select count(*)::int as count from usage where session_id = $1',
      [forked.id],
    );
    // Its own first turn, and the side calls of that.
    expect(rows?.count).toBeLessThanOrEqual(3);
    expect(await database.query('select id from approvals where session_id = $1', [forked.id])).toEqual([]);
    const audited = await database.query<{ action: string; details: { forkId?: string } }>(
      "select action, details from audit_logs where action = 'sessions.fork' and session_id = $1",
      [source.id],
    );
    expect(audited).toEqual([{ action: 'sessions.fork', details: { forkId: forked.id, messageId: changing } }]);
    expect(
      await database.query("select action from audit_logs where action = 'sessions.create' and session_id = $1", [
        forked.id,
      ]),
    ).toHaveLength(1);
  });

  it('asks anew for what was allowed in the other, and can be rewound to before the fork', async () => {
    const log = watch(ada, forked.id);
    await log.event('session.forked');
    const first = log.events().flatMap(({ event }) => (event.type === 'message.user' ? [event.messageId] : []))[1];
    const { messageId } = await ada.client.call(routes.claude.chat, {
      params: { id: forked.id },
      body: { message: 'please change', wait: false },
    });
    const { turnId } = await log.event('turn.started', ({ messageIds }) => messageIds.includes(messageId));
    const { approval } = await log.event('approval.asked', ({ approval: asked }) => asked.turnId === turnId);
    await ada.client.call(routes.claude.answer, {
      params: { id: forked.id, approvalId: approval.approvalId },
      body: { decision: 'allow' },
    });
    await log.event('turn.ended', (event) => event.turnId === turnId);
    const { commandId } = await ada.client.call(routes.checkpoints.rewind, {
      params: { id: forked.id },
      body: { target: { messageId: first as CommandId }, what: 'chat' },
    });
    await log.event('rewind.done', (event) => event.rewindId === commandId);
    expect(await say(ada, forked.id, 'what did you hear')).toBe('heard one');
  });

  it('outlives a stop, and is forked itself', async () => {
    await stopSession(ada, forked.id);
    await ada.client.call(routes.sessions.start, { params: { id: forked.id } });
    await untilRunning(ada, forked.id);
    const second = await fork(ada, forked.id, { name: 'Second' });
    expect(second).toMatchObject({ name: 'Second', forkedFrom: { sessionId: forked.id, messageId: null } });
    await untilRunning(ada, second.id);
    expect(await output(ada, second.id, account)).toBe(await output(ada, forked.id, account));
    expect(await say(ada, second.id, 'what did you hear')).toBe('heard one');
    const { items } = await ada.client.call(routes.claude.history, {
      params: { id: second.id },
      query: { limit: 200 },
    });
    // The rewound part stays with the rewind that folds it.
    expect(items.filter(({ event }) => event.type === 'rewind.done')).toHaveLength(1);
    expect(items.filter(({ event }) => event.type === 'session.forked')).toHaveLength(1);
    for (const { id } of [second, forked]) await ada.client.call(routes.sessions.remove, { params: { id } });
  }, 240_000);
});

describe('who may fork', () => {
  it('is its owner and its editors, who own what they make', async () => {
    const share = (role: 'viewer' | 'editor') =>
      ada.client.call(routes.members.add, { params: { id: source.id }, body: { email: bob.email, role } });
    expect(await refusal(fork(bob, source.id))).toMatchObject({ code: 'not_found' });
    await share('viewer');
    expect(await refusal(fork(bob, source.id))).toMatchObject({ code: 'forbidden' });
    await ada.client.call(routes.members.put, {
      params: { id: source.id, userId: (await bob.client.call(routes.auth.currentUser, {})).user.id },
      body: { role: 'editor' },
    });
    const made = await fork(bob, source.id);
    expect(made).toMatchObject({ ownerName: 'Bob', forkedFrom: { sessionId: source.id, messageId: null } });
    expect(await refusal(ada.client.call(routes.claude.history, { params: { id: made.id } }))).toMatchObject({
      code: 'forbidden',
    });
    await untilRunning(bob, made.id);
    expect(await say(bob, made.id, 'what did you hear')).toBe('heard one,long,two');
    expect(await refusal(fork(cyd, made.id))).toMatchObject({ code: 'not_found' });
    await bob.client.call(routes.sessions.remove, { params: { id: made.id } });
  }, 240_000);

  it('has no more sessions than are allowed, and one for each key', async () => {
    const key = crypto.randomUUID();
    const post = async (name: string) => {
      const answer = await ada.fetch(`/sessions/${source.id}/fork`, {
        method: 'POST',
        headers: { [idempotencyHeader]: key, 'content-type': 'application/json', origin: product.url },
        body: JSON.stringify({ name }),
      });
      return { status: answer.status, body: (await answer.json()) as { id: string } };
    };
    const [one, two] = await Promise.all([post('Twice'), post('Twice')]);
    expect([one.status, two.status, two.body.id]).toEqual([201, 201, one.body.id]);
    expect((await post('Other')).status).toBe(422);
    const third = await fork(ada, source.id);
    expect(await refusal(fork(ada, source.id))).toMatchObject({ code: 'session_limit' });
    for (const id of [one.body.id as SessionId, third.id])
      await ada.client.call(routes.sessions.remove, { params: { id } });
  }, 120_000);
});

describe('a session that cannot be forked now', () => {
  it('says why: at work, unknown message, stopped, terminated', async () => {
    const spare = await startSession(ada, { name: 'Spare' });
    const log = watch(ada, spare.id);
    const { messageId } = await ada.client.call(routes.claude.chat, {
      params: { id: spare.id },
      body: { message: 'please change', wait: false },
    });
    const { approval } = await log.event('approval.asked');
    expect(await refusal(fork(ada, spare.id))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('at work') as string,
    });
    // From before that message it is possible all the same.
    const early = await fork(ada, spare.id, { messageId });
    await ada.client.call(routes.claude.answer, {
      params: { id: spare.id, approvalId: approval.approvalId },
      body: { decision: 'deny' },
    });
    await untilRunning(ada, early.id);
    expect(await output(ada, early.id, 'ls -A')).toBe('');
    expect(await say(ada, early.id, 'what did you hear')).toBe('heard ');
    await ada.client.call(routes.sessions.remove, { params: { id: early.id } });
    const unknown = '00000000-0000-4000-8000-00000000dead' as CommandId;
    expect(await refusal(fork(ada, spare.id, { messageId: unknown }))).toMatchObject({ code: 'conflict' });
    await stopSession(ada, spare.id);
    expect(await refusal(fork(ada, spare.id))).toMatchObject({
      code: 'session_not_running',
      message: expect.stringContaining('must run') as string,
    });
    await ada.client.call(routes.sessions.remove, { params: { id: spare.id } });
    expect(await refusal(fork(ada, spare.id))).toMatchObject({ code: 'conflict' });
    const { items } = await ada.client.call(routes.sessions.list, { query: {} });
    expect(items.map(({ id }) => id)).toEqual([source.id]);
  }, 240_000);
});
