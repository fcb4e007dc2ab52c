// Every route of the contract, as everybody: who is let in, what is refused, what is written into the audit log.

import {
  allRoutes,
  isProjectPermission,
  isSessionPermission,
  rootRoutes,
  routes,
  sessionSockets,
  type Route,
  type SessionId,
  type SessionSocketName,
} from '@remote-claude/contract';
import { always, text, toolUse, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer, callRoute, codeOf, recordCalls, type Call, type Recorder } from '../support/calls.js';
import { checkpointActs } from '../support/checkpoint-acts.js';
import { openDatabase, type ProductDatabase } from '../support/database.js';
import { fileActs } from '../support/file-acts.js';
import { startSession } from '../support/inside.js';
import { knock, socketAddress } from '../support/knock.js';
import { canaryKey, configFor, startModel } from '../support/model.js';
import { memberActs, peopleActs } from '../support/people-acts.js';
import { addMember, anonymous, lockOut, setUpAdmin, signIn, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { projectActs } from '../support/project-acts.js';
import { setupActs } from '../support/setup-acts.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let database: ProductDatabase;
let recorder: Recorder;
/** The admin; the owner of the session; a stranger to it; somebody who was locked out while signed in. */
let ada: Person, bob: Person, cyd: Person, dan: Person;
/** Bob's, and running. */
let sessionId: string;
/** Found on the way by one act for the next. */
const found = {
  userId: '',
  spareId: '',
  taskId: '',
  runningTaskId: '',
  uploadId: '',
  hash: '',
  approvalId: '',
  etag: '',
  spareToken: '',
  projectId: '',
};
const unknownId = '00000000-0000-4000-8000-000000000000';
const ruleId = '00000000-0000-4000-8000-00000000000b';
const allowEdits = `insert into approval_rules select $1, user_id, '{"kind":"edits"}' from sessions where id = $2`;

const httpRoutes = allRoutes.filter(({ kind }) => kind !== 'socket');
const isPublic = ({ permission }: Route): boolean => permission === 'public';
const isAdminOnly = ({ permission }: Route): boolean =>
  permission.startsWith('users.') || permission.startsWith('settings.');
const namesSession = ({ permission }: Route): boolean => isSessionPermission(permission);
const namesProject = ({ permission }: Route): boolean => isProjectPermission(permission);

beforeAll(async () => {
  recorder = recordCalls();
  model = await startModel([
    {
      name: 'write',
      when: userSays('write'),
      answer: [toolUse('Write', { file_path: '/workspace/by-claude.txt', content: 'x' })],
    },
    { name: 'greet', when: always, answer: [text('Hello.')] },
  ]);
  // The key is entered in the page, so the configuration has none.
  product = await startProduct({ config: configFor(model).replace(/^ {2}apiKey: .*\n/m, '') });
  await refusedSetup();
  ada = await setUpAdmin(product);
  bob = await addMember(product, ada, 'Bob');
  cyd = await addMember(product, ada, 'Cyd');
  dan = await addMember(product, ada, 'Dan');
  database = await openDatabase(product);
  await ada.client.call(routes.settings.putModel, {
    body: { use: 'key', apiKey: canaryKey, model: 'claude-sonnet-5' },
  });
  sessionId = (await startSession(bob, { name: 'Bob’s own' })).id;
  found.projectId = (await bob.client.call(routes.projects.create, { body: { name: 'Bob’s project' } })).id;
  await database.query(allowEdits, [ruleId, sessionId]);
  await lockOut(ada, dan);
});

afterAll(async () => {
  recorder?.close();
  await database?.close();
  await product?.close();
  await model?.close();
});

/** Before there is an admin: a wrong token makes none. */
const refusedSetup = async (): Promise<void> => {
  const person = { email: 'eve@example.org', name: 'Eve', password: 'a password for Eve' };
  const refused = await anonymous(product)
    .call(routes.auth.setup, { body: { token: 'guessed', ...person } })
    .catch((error: unknown) => error);
  if ((refused as { code?: string }).code !== 'setup_token_wrong')
    throw new Error(`A guessed set-up token was not refused: ${String(refused)}`);
};

/** Something well-formed for each parameter, about Bob's session. */
const paramsOf = (route: Route): Record<string, string> => {
  const values: Record<string, string> = {
    id: route.id.startsWith('users.') ? unknownId : namesProject(route) ? found.projectId : sessionId,
    taskId: found.taskId === '' ? unknownId : found.taskId,
    approvalId: found.approvalId === '' ? 'toolu_none' : found.approvalId,
    ruleId,
    userId: unknownId,
    uploadId: found.uploadId === '' ? unknownId : found.uploadId,
    hash: found.hash === '' ? 'a'.repeat(64) : found.hash,
    '*': 'notes.txt',
  };
  return Object.fromEntries(Object.keys(route.params?.shape ?? {}).map((name) => [name, values[name] ?? '']));
};

const base64 = (value: string): string => Buffer.from(value).toString('base64');

/** More than an event carries. */
const longMessage = 'A message that goes on. '.repeat(1_000);

/** What is taken out of answers. */
interface Body {
  id: string;
  etag: string;
  items: { id: string; approvalId: string; checkpointId: string }[];
  files: { to: string };
  commandId: string;
}
interface Act {
  as: 'nobody' | 'admin' | 'owner';
  status: number;
  call?: () => Call;
  /** Looks at the answer, and keeps of it what a later act needs. */
  check?: (body: Body, answer: Response) => void | Promise<void>;
  /** Waits for what the act needs. */
  after?: () => Promise<unknown>;
}

const session = (): Call => ({ params: { id: sessionId } });
const task = (): Call => ({ params: { taskId: found.taskId } });

/** Each route once with success, in an order in which each finds what it needs. Set-up had its own before. */
const acts: Record<string, Act> = {
  about: {
    as: 'nobody',
    status: 200,
    check: (body) => expect(body).toMatchObject({ setupNeeded: false, isolation: 'bubblewrap', problems: [] }),
  },
  'auth.login': {
    as: 'nobody',
    status: 200,
    call: () => ({ body: { email: cyd.email, password: cyd.password } }),
    check: (body) => expect(body).not.toHaveProperty('token'),
  },
  'auth.user': {
    as: 'owner',
    status: 200,
    check: (body) => expect(body).toMatchObject({ user: { email: bob.email, role: 'member' } }),
  },
  'auth.ticket': { as: 'owner', status: 201, call: () => ({ body: { sessionId } }) },
  ...peopleActs(found),
  'sessions.list': {
    as: 'owner',
    status: 200,
    check: (body) => expect(body).toMatchObject({ items: [{ id: sessionId }] }),
  },
  'sessions.create': {
    as: 'owner',
    status: 201,
    call: () => ({ body: { name: 'Spare' } }),
    check: ({ id }) => void (found.spareId = id),
  },
  'sessions.get': {
    as: 'owner',
    status: 200,
    call: session,
    check: (body) => expect(body).toMatchObject({ id: sessionId, name: 'Bob’s own' }),
  },
  'sessions.patch': {
    as: 'owner',
    status: 200,
    call: () => ({ ...session(), body: { name: 'Renamed' } }),
    check: (body) => expect(body).toMatchObject({ name: 'Renamed' }),
  },
  'sessions.stop': {
    as: 'owner',
    status: 200,
    call: () => ({ params: { id: found.spareId } }),
    check: (body) => expect(body).toMatchObject({ wanted: 'stopped' }),
  },
  'sessions.start': {
    as: 'owner',
    status: 200,
    call: () => ({ params: { id: found.spareId } }),
    check: (body) => expect(body).toMatchObject({ wanted: 'running' }),
  },
  'sessions.delete': {
    as: 'owner',
    status: 200,
    call: () => ({ params: { id: found.spareId } }),
    check: (body) => expect(body).toMatchObject({ wanted: 'terminated' }),
  },
  ...projectActs(found, () => ({ product })),
  ...memberActs(() => ({ product, owner: bob, sessionId: sessionId as SessionId, userId: found.userId })),
  'sessions.execute': {
    as: 'owner',
    status: 200,
    call: () => ({ ...session(), body: { command: 'echo ran; exit 3' } }),
    check: (body) => expect(body).toMatchObject({ stdout: 'ran\n', exitCode: 3 }),
  },
  'claude.chat': {
    as: 'owner',
    status: 200,
    call: () => ({ ...session(), body: { message: 'Hi' } }),
    check: (body) => expect(body).toMatchObject({ outcome: 'completed', message: 'Hello.' }),
  },
  'claude.history': {
    as: 'owner',
    status: 200,
    call: session,
    check: ({ items }) => expect(items.length).toBeGreaterThan(3),
  },
  'claude.blob': {
    as: 'owner',
    status: 200,
    after: async () => {
      const { messageId } = await bob.client.call(routes.claude.chat, {
        params: { id: sessionId },
        body: { message: longMessage, wait: false },
      });
      const { items } = await bob.client.call(routes.claude.history, {
        params: { id: sessionId },
        query: { limit: 500 },
      });
      const said = items.find(({ event }) => event.type === 'message.user' && event.messageId === messageId)?.event;
      found.hash = (said?.type === 'message.user' ? said.text.blob : undefined) ?? '';
    },
    call: () => ({ params: { id: sessionId, hash: found.hash } }),
    check: async (_body, answer) => {
      expect(await answer.text()).toBe(longMessage);
      const unknown = await callRoute(product, routes.claude.blob, bearer(bob.token), {
        params: { id: sessionId, hash: 'a'.repeat(64) },
      });
      expect([unknown.status, await codeOf(unknown)]).toEqual([404, 'not_found']);
      for (const hash of ['none', 'A'.repeat(64), `${found.hash}%00`]) {
        const wrong = await callRoute(product, routes.claude.blob, bearer(bob.token), {
          params: { id: sessionId, hash },
        });
        expect([hash, wrong.status, await codeOf(wrong)]).toEqual([hash, 400, 'validation_failed']);
      }
    },
  },
  'claude.configure': { as: 'owner', status: 202, call: () => ({ ...session(), body: { effort: 'low' } }) },
  'claude.approvals': {
    as: 'owner',
    status: 200,
    call: session,
    after: () =>
      bob.client
        .call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'write it', wait: false } })
        .then(untilAsked),
    check: ({ items }) => {
      expect(items).toMatchObject([{ tool: 'Write', status: 'open', sessionId }]);
      found.approvalId = items[0]?.approvalId ?? '';
    },
  },
  'approvals.list': {
    as: 'owner',
    status: 200,
    check: (body) => expect(body).toMatchObject({ items: [{ approvalId: found.approvalId, sessionId }] }),
  },
  'approvals.rules.list': { as: 'owner', status: 200, check: ({ items }) => expect(items[0]?.id).toBe(ruleId) },
  'approvals.rules.delete': { as: 'owner', status: 200, call: () => ({ params: { ruleId } }) },
  'claude.task': {
    as: 'owner',
    status: 201,
    call: () => ({ ...session(), body: { name: 'Later' } }),
    check: ({ id }) => void (found.taskId = id),
  },
  'tasks.create': {
    as: 'owner',
    status: 201,
    call: () => ({ body: { sessionId, name: 'Much later', description: 'Say hello' } }),
    check: ({ id }) => void (found.runningTaskId = id),
  },
  'tasks.list': {
    as: 'owner',
    status: 200,
    check: ({ items }) => expect(items.map(({ id }) => id)).toEqual([found.runningTaskId, found.taskId]),
  },
  'tasks.get': {
    as: 'owner',
    status: 200,
    call: task,
    check: (body) => expect(body).toMatchObject({ id: found.taskId, sessionId, status: 'queued' }),
  },
  'tasks.patch': { as: 'owner', status: 200, call: () => ({ ...task(), body: { status: 'cancelled' } }) },
  'tasks.delete': {
    as: 'owner',
    status: 200,
    call: task,
    after: () =>
      until(
        async () =>
          (await bob.client.call(routes.tasks.get, { params: { taskId: found.taskId } })).status === 'cancelled',
        { what: 'the task to be cancelled' },
      ),
  },
  'claude.answer': {
    as: 'owner',
    status: 200,
    call: () => ({
      params: { id: sessionId, approvalId: found.approvalId },
      body: { decision: 'deny', reason: 'Not now.' },
    }),
    check: (body) => expect(body).toMatchObject({ decision: 'deny', status: 'answered' }),
  },
  'claude.interrupt': { as: 'owner', status: 202, call: session },
  ...checkpointActs(() => ({ owner: bob, sessionId: sessionId as SessionId })),
  ...setupActs(() => ({ owner: bob, sessionId: sessionId as SessionId })),
  ...fileActs({ session, found }),
  'settings.model.get': {
    as: 'admin',
    status: 200,
    check: (body) => expect(body).toMatchObject({ source: 'page', keyHint: canaryKey.slice(-4) }),
  },
  'settings.model.test': { as: 'admin', status: 200, check: (body) => expect(body).toMatchObject({ ok: true }) },
  'settings.model.put': {
    as: 'admin',
    status: 200,
    call: () => ({ body: { use: 'key', apiKey: canaryKey } }),
    check: (body) => expect(JSON.stringify(body)).not.toContain(canaryKey),
  },
  'auth.logout': {
    as: 'owner',
    status: 200,
    // A second sign-in: the one that is given up is not the one that later tests use.
    after: async () => void (found.spareToken = (await signIn(product, bob.email, bob.password)).token),
    call: () => ({ headers: bearer(found.spareToken) }),
  },
};

const untilAsked = () =>
  until(async () => (await bob.client.call(routes.claude.approvals, { params: { id: sessionId } })).items[0], {
    what: 'an approval',
  });

const answerOf = async (answer: Response): Promise<Body> => {
  const body = await answer.text();
  return (body !== '' && (answer.headers.get('content-type') ?? '').includes('json') ? JSON.parse(body) : {}) as Body;
};

describe('who is not let in', () => {
  const closed = httpRoutes.filter((route) => !isPublic(route));
  it.each(closed.map((route) => [route.id, route] as const))(
    '%s: nobody, and nobody by a wrong, a foreign or a withdrawn sign-in',
    async (_id, route) => {
      const call = { params: paramsOf(route) };
      const visitors = [
        {},
        bearer('A'.repeat(43)),
        bearer('short'),
        bearer(dan.token),
        { cookie: `rc_login=${bob.token}` },
        { cookie: `rc_login=${'A'.repeat(43)}` },
      ];
      for (const visitor of visitors) {
        const answer = await callRoute(product, route, visitor, call);
        expect([answer.status, await codeOf(answer)]).toEqual([
          401,
          route.method === 'HEAD' ? null : 'unauthenticated',
        ]);
      }
    },
  );

  it('Dan, who was locked out, cannot sign in again, and is answered as one who guesses', async () => {
    const [locked, guessed] = await Promise.all([
      callRoute(product, routes.auth.login, {}, { body: { email: dan.email, password: dan.password } }),
      callRoute(product, routes.auth.login, {}, { body: { email: 'nobody@example.org', password: dan.password } }),
    ]);
    expect([locked.status, await codeOf(locked)]).toEqual([401, 'wrong_credentials']);
    expect([guessed.status, await codeOf(guessed)]).toEqual([401, 'wrong_credentials']);
  });

  it.each(httpRoutes.filter(isAdminOnly).map((route) => [route.id, route] as const))(
    '%s: a member',
    async (_id, route) => {
      const answer = await callRoute(product, route, bearer(bob.token), { params: paramsOf(route) });
      expect([answer.status, await codeOf(answer)]).toEqual([403, 'forbidden']);
    },
  );

  const about = httpRoutes.filter(namesSession);
  it.each(about.map((route) => [route.id, route] as const))(
    '%s: a stranger to the session, to whom it is as if it were not there',
    async (_id, route) => {
      const silent = route.method === 'HEAD';
      for (const id of [sessionId, sessionId.toUpperCase(), unknownId, 'no-uuid', `${sessionId}%00`]) {
        const answer = await callRoute(product, route, bearer(cyd.token), { params: { ...paramsOf(route), id } });
        expect([id, answer.status, await codeOf(answer)]).toEqual([id, 404, silent ? null : 'not_found']);
      }
    },
  );

  it.each(httpRoutes.filter(namesProject).map((route) => [route.id, route] as const))(
    '%s: a stranger to the project, and an admin, to whom it is as if it were not there',
    async (_id, route) => {
      for (const { token } of [cyd, ada])
        for (const id of [found.projectId, unknownId, 'no-uuid']) {
          const answer = await callRoute(product, route, bearer(token), { params: { ...paramsOf(route), id } });
          expect([id, answer.status, await codeOf(answer)]).toEqual([id, 404, 'not_found']);
        }
    },
  );

  it.each(about.map((route) => [route.id, route] as const))(
    '%s: an admin who is not the owner may look and end, no more',
    async (_id, route) => {
      if (['session.manage', 'session.start', 'session.inspect'].includes(route.permission)) {
        const answer = await callRoute(product, routes.sessions.get, bearer(ada.token), { params: { id: sessionId } });
        expect(answer.status).toBe(200);
        return;
      }
      const answer = await callRoute(product, route, bearer(ada.token), { params: paramsOf(route) });
      expect([answer.status, await codeOf(answer)]).toEqual([403, route.method === 'HEAD' ? null : 'forbidden']);
    },
  );

  it('sessions.patch: an admin who is not the owner says nothing of what runs in it', async () => {
    for (const body of [{ env: { PROMPT_COMMAND: 'touch /tmp/seen' } }, { image: 'registry.example/other:1' }]) {
      const answer = await callRoute(product, routes.sessions.patch, bearer(ada.token), {
        params: { id: sessionId },
        body,
      });
      expect([answer.status, await codeOf(answer)]).toEqual([403, 'forbidden']);
    }
  });

  const bodied = httpRoutes.filter((route) => route.body !== undefined);
  it.each(bodied.map((route) => [route.id, route] as const))('%s: a body that is none', async (_id, route) => {
    const who = isPublic(route) ? {} : bearer((isAdminOnly(route) ? ada : bob).token);
    const json = { 'content-type': 'application/json' };
    const wrong: Call[] = [
      { raw: '{"half": ', headers: json },
      { raw: '', headers: json },
      { raw: 'null', headers: json },
      { raw: '[]', headers: json },
      { raw: '"text"', headers: json },
      { raw: '\u0000\u00ff\u0001', headers: json },
      { body: { no: 'such field' } },
      { raw: '{"__proto__": {"role": "admin"}}', headers: json },
    ];
    for (const call of wrong) {
      const answer = await callRoute(product, route, who, { params: paramsOf(route), ...call });
      expect([JSON.stringify(call), answer.status]).toEqual([JSON.stringify(call), 400]);
      expect(['bad_request', 'validation_failed']).toContain(await codeOf(answer));
    }
    const form = await callRoute(product, route, who, {
      params: paramsOf(route),
      raw: '{}',
      headers: { 'content-type': 'text/plain' },
    });
    expect([form.status, await codeOf(form)]).toEqual([415, 'unsupported_media']);
    const large = await callRoute(product, route, who, {
      params: paramsOf(route),
      body: { much: 'x'.repeat(1_100_000) },
    });
    expect([large.status, await codeOf(large)]).toEqual([413, 'payload_too_large']);
  });

  const queried = httpRoutes.filter((route) => route.query?.shape['limit'] !== undefined);
  it.each(queried.map((route) => [route.id, route] as const))('%s: a page that cannot be', async (_id, route) => {
    const who = bearer((isAdminOnly(route) ? ada : bob).token);
    for (const query of [{ limit: '0' }, { limit: '1e9' }, { limit: 'many' }, { limit: '-1' }]) {
      const answer = await callRoute(product, route, who, { params: paramsOf(route), query });
      expect([JSON.stringify(query), answer.status, await codeOf(answer)]).toEqual([
        JSON.stringify(query),
        400,
        'validation_failed',
      ]);
    }
    if (route.query?.shape['cursor'] === undefined) return;
    const nobody = '-'.repeat(36);
    const cursors = [
      "x' or 1=1 --",
      '\0',
      nobody,
      `1.${nobody}`,
      ...[`1 ${nobody}`, '[9e99,"x"]', `["2026-01-01","\\u0000"]`, `[1,"\\u0000"]`].map(base64),
    ];
    for (const cursor of cursors) {
      const answer = await callRoute(product, route, who, { query: { cursor } });
      expect([cursor, answer.status, await codeOf(answer)]).toEqual([cursor, 400, 'validation_failed']);
    }
  });

  it.each(
    httpRoutes
      .filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method))
      .map((route) => [route.id, route] as const),
  )('%s: a page from elsewhere', async (_id, route) => {
    const headers: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: product.url.replace('//', '//evil.') },
      { origin: `${product.url}.evil.example` },
      { origin: product.url.replace('http:', 'https:') },
    ];
    for (const header of headers) {
      const answer = await callRoute(product, route, bearer(bob.token), { params: paramsOf(route), headers: header });
      expect([header['origin'], answer.status, await codeOf(answer)]).toEqual([
        header['origin'],
        403,
        'origin_refused',
      ]);
    }
  });
});

describe('each route does its work', () => {
  it('for each there is an act', () => {
    expect([...Object.keys(acts), 'auth.setup'].toSorted()).toEqual(httpRoutes.map(({ id }) => id).toSorted());
  });

  it.each(Object.entries(acts))('%s', async (id, act) => {
    const route = httpRoutes.find((one) => one.id === id) as Route;
    await act.after?.();
    const last = await database.lastAudit();
    const who = act.as === 'nobody' ? {} : bearer((act.as === 'admin' ? ada : bob).token);
    const answer = await callRoute(product, route, who, act.call?.() ?? {});
    const body = await answerOf(answer.clone());
    expect([answer.status, body]).toEqual([act.status, expect.anything()]);
    expect(answer.headers.get('cache-control')).toMatch(/no-store|no-cache|private/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    await act.check?.(body, answer);
    const rows = await database.query<{ action: string; user_id: string; session_id: string }>(
      'select * from audit_logs where id > $1',
      [last],
    );
    const actions = rows.map(({ action }) => action);
    if (route.audit === null) expect(actions).toEqual([]);
    else expect(actions).toContain(route.audit);
    if (route.audit !== null && namesSession(route)) {
      expect(rows.find(({ action }) => action === route.audit)?.session_id).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('what is Bob’s is seen by nobody else', () => {
  it('in no list, no field and no search', async () => {
    const lists = httpRoutes.filter(
      (route) => route.query !== undefined && route.method === 'GET' && !namesSession(route) && !isAdminOnly(route),
    );
    expect(lists.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['sessions.list', 'approvals.list', 'tasks.list']),
    );
    for (const route of lists) {
      for (const query of [{}, { limit: '200' }, { search: 'Renamed' }, { terminated: 'true' }, { sessionId }]) {
        const answer = await callRoute(product, route, bearer(cyd.token), { query });
        const body = await answer.text();
        expect(answer.status === 404 || (JSON.parse(body) as { items: unknown[] }).items.length === 0).toBe(true);
        for (const trace of [sessionId, found.taskId, found.runningTaskId, 'Renamed', bob.email])
          expect(body).not.toContain(trace);
      }
    }
  });

  it('tasks by their number, a ticket for the session, a task in it', async () => {
    const id = { params: { taskId: found.runningTaskId } };
    const calls: [Route, Call][] = [
      [routes.tasks.get, id],
      [routes.tasks.patch, { ...id, body: { status: 'cancelled' } }],
      [routes.tasks.remove, id],
      [routes.auth.ticket, { body: { sessionId } }],
      [routes.tasks.create, { body: { sessionId, name: 'Not mine' } }],
    ];
    for (const [route, call] of calls) {
      const answer = await callRoute(product, route, bearer(cyd.token), call);
      expect([route.id, answer.status, await codeOf(answer)]).toEqual([route.id, 404, 'not_found']);
    }
    const wrong = await callRoute(product, routes.tasks.get, bearer(cyd.token), { params: { taskId: "1' or '1'='1" } });
    expect([400, 404]).toContain(wrong.status);
  });

  it('an approval of one session is not answered through another', async () => {
    const other = await startSession(cyd, { name: 'Cyd’s' });
    const answer = await callRoute(product, routes.claude.answer, bearer(cyd.token), {
      params: { id: other.id, approvalId: found.approvalId },
      body: { decision: 'allow' },
    });
    expect([answer.status, await codeOf(answer)]).toEqual([404, 'not_found']);
    await cyd.client.call(routes.sessions.remove, { params: { id: other.id } });
  });
});

describe('at the end', () => {
  it('the document lists every route, and is OpenAPI 3.1', async () => {
    const answer = await fetch(`${product.url}/api/openapi.json`, { headers: bearer(bob.token) });
    expect(answer.status).toBe(200);
    const document = (await answer.json()) as {
      openapi: string;
      paths: Record<string, Record<string, { operationId: string }>>;
      'x-sockets': Record<string, { operationId: string }>;
    };
    expect(document.openapi).toBe('3.1.0');
    const documented = [
      ...Object.values(document.paths).flatMap((path) => Object.values(path)),
      ...Object.values(document['x-sockets']),
    ];
    expect(documented.map(({ operationId }) => operationId).toSorted()).toEqual(
      [...allRoutes, ...Object.values(rootRoutes)].map(({ id }) => id).toSorted(),
    );
  });

  it('sockets were opened and refused', async () => {
    for (const name of Object.keys(sessionSockets) as SessionSocketName[]) {
      const address = socketAddress(product, name, sessionId);
      const [mine, foreign] = await Promise.all([
        knock(address, { headers: bearer(bob.token) }),
        knock(address, { headers: bearer(cyd.token) }),
      ]);
      mine.socket?.close();
      recorder.add(`sockets.${name}`, mine.status);
      recorder.add(`sockets.${name}`, foreign.status);
      expect([mine.status, foreign.status]).toEqual([101, 404]);
    }
  });

  it('the entered key stands in no row and no log', async () => {
    const rows = await database.dump();
    expect(rows).toContain('settings');
    expect(rows).not.toContain(canaryKey);
    expect(rows).not.toContain(Buffer.from(canaryKey).toString('hex'));
    expect(product.output()).not.toContain(canaryKey);
  });

  it('no sign-in, password or set-up token stands in a log or in the audit', async () => {
    const audit = (await database.query<{ row: string }>('select a::text as row from audit_logs a'))
      .map(({ row }) => row)
      .join('\n');
    for (const secret of [ada, bob, cyd, dan].flatMap(({ token, password }) => [token, password])) {
      expect(audit).not.toContain(secret);
      expect(product.output()).not.toContain(secret);
    }
  });

  it('every route was reached with success and with a refusal', () => {
    // Nobody can be refused what is public and takes nothing.
    expect(recorder.missing()).toEqual({ success: [], refusal: ['about'] });
  });
});
