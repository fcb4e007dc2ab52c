// The four sockets of a session: who gets in, what each takes, and that nonsense harms nobody.

import { randomBytes } from 'node:crypto';
import {
  clientMessage,
  closeCodeOf,
  encodeTerminalFrame,
  frameKind,
  maxFrameBytes,
  routes,
  sessionSockets,
  type ClientMessageType,
  type SessionId,
  type SessionSocketName,
  type TerminalId,
} from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer, signInByCookie } from '../support/calls.js';
import { openDatabase, type ProductDatabase } from '../support/database.js';
import { execute, startSession } from '../support/inside.js';
import { enter, knock, socketAddress, type KnockOptions, type OpenSocket } from '../support/knock.js';
import { configFor, startModel } from '../support/model.js';
import { addMember, setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';

/** A proxy at this address is believed, one at any other is not. */
const trustingOne = 'server:\n  trustedProxies: [127.0.0.1/32]\n';

let model: ScriptedModel;
let product: Product;
let database: ProductDatabase;
/** The admin, the owner, a stranger. */
let ada: Person, bob: Person, cyd: Person;
let bobsCookie: string, cydsCookie: string;
let sessionId: SessionId, otherId: SessionId;
const names = Object.keys(sessionSockets) as SessionSocketName[];

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configFor(model, trustingOne) });
  ada = await setUpAdmin(product);
  bob = await addMember(product, ada, 'Bob');
  cyd = await addMember(product, ada, 'Cyd');
  bobsCookie = await signInByCookie(product, bob);
  cydsCookie = await signInByCookie(product, cyd);
  sessionId = (await startSession(bob, { name: 'Sockets' })).id;
  // Never started for long: it only has to be another one of Bob's.
  otherId = (await bob.client.call(routes.sessions.create, { body: { name: 'Other' } })).id;
  await bob.client.call(routes.sessions.stop, { params: { id: otherId } });
  database = await openDatabase(product);
});

afterAll(async () => {
  await database?.close();
  await product?.close();
  await model?.close();
});

const ticketFor = async (who: Person, id: SessionId): Promise<string> =>
  `ticket.${(await who.client.call(routes.auth.ticket, { body: { sessionId: id } })).ticket}`;
const asPage = (cookie: string): Record<string, string> => ({ cookie, origin: product.url });

interface Row {
  title: string;
  status: number;
  code: string | null;
  options: () => KnockOptions | Promise<KnockOptions>;
  /** Where it knocks, if not at Bob's session. */
  id?: () => string;
}

const rows: Row[] = [
  {
    title: 'the owner’s cookie from the own page',
    status: 101,
    code: null,
    options: () => ({ headers: asPage(bobsCookie) }),
  },
  { title: 'the owner’s bearer token', status: 101, code: null, options: () => ({ headers: bearer(bob.token) }) },
  {
    title: 'a ticket',
    status: 101,
    code: null,
    options: async () => ({ protocols: [await ticketFor(bob, sessionId)] }),
  },
  {
    title: 'a ticket from the own page',
    status: 101,
    code: null,
    options: async () => ({ protocols: [await ticketFor(bob, sessionId)], headers: { origin: product.url } }),
  },

  {
    title: 'a cookie from a foreign page',
    status: 403,
    code: 'origin_refused',
    options: () => ({ headers: { cookie: bobsCookie, origin: 'https://evil.example' } }),
  },
  {
    title: 'a cookie from a page at another port',
    status: 403,
    code: 'origin_refused',
    options: () => ({ headers: { cookie: bobsCookie, origin: 'http://127.0.0.1:1' } }),
  },
  {
    title: 'a cookie from a page without an origin',
    status: 403,
    code: 'origin_refused',
    options: () => ({ headers: { cookie: bobsCookie, origin: 'null' } }),
  },
  {
    title: 'a cookie and no Origin',
    status: 403,
    code: 'origin_refused',
    options: () => ({ headers: { cookie: bobsCookie } }),
  },
  {
    title: 'a cookie and a word of being the same site',
    status: 403,
    code: 'origin_refused',
    options: () => ({ headers: { cookie: bobsCookie, 'sec-fetch-site': 'same-origin' } }),
  },
  {
    title: 'a bearer token from a foreign page',
    status: 403,
    code: 'origin_refused',
    options: () => ({ headers: { ...bearer(bob.token), origin: 'https://evil.example' } }),
  },
  {
    title: 'a ticket from a foreign page',
    status: 403,
    code: 'origin_refused',
    options: async () => ({
      protocols: [await ticketFor(bob, sessionId)],
      headers: { origin: 'https://evil.example' },
    }),
  },
  {
    title: 'a wrong Host',
    status: 403,
    code: 'origin_refused',
    options: () => ({ headers: { ...asPage(bobsCookie), host: 'rebound.example' } }),
  },
  {
    title: 'a wrong Host with its own Origin',
    status: 403,
    code: 'origin_refused',
    options: () => ({ headers: { cookie: bobsCookie, host: 'rebound.example', origin: 'http://rebound.example' } }),
  },
  {
    title: 'a wrong Host and a bearer token',
    status: 403,
    code: 'origin_refused',
    options: () => ({ headers: { ...bearer(bob.token), host: `rebound.example:${new URL(product.url).port}` } }),
  },
  { title: 'no cookie', status: 401, code: 'unauthenticated', options: () => ({ headers: { origin: product.url } }) },
  {
    title: 'a made-up cookie',
    status: 401,
    code: 'unauthenticated',
    options: () => ({ headers: asPage(`rc_login=${'A'.repeat(43)}`) }),
  },
  {
    title: 'a made-up bearer token',
    status: 401,
    code: 'unauthenticated',
    options: () => ({ headers: bearer('A'.repeat(43)) }),
  },
  {
    title: 'a bearer token as a cookie',
    status: 401,
    code: 'unauthenticated',
    options: () => ({ headers: asPage(`rc_login=${bob.token}`) }),
  },
  {
    title: 'a cookie as a bearer token',
    status: 401,
    code: 'unauthenticated',
    options: () => ({ headers: bearer(bobsCookie.split('=')[1] ?? '') }),
  },
  {
    title: 'another person’s cookie',
    status: 404,
    code: 'not_found',
    options: () => ({ headers: asPage(cydsCookie) }),
  },
  {
    title: 'another person’s bearer token',
    status: 404,
    code: 'not_found',
    options: () => ({ headers: bearer(cyd.token) }),
  },
  {
    title: 'an admin who does not own it',
    status: 403,
    code: 'forbidden',
    options: () => ({ headers: bearer(ada.token) }),
  },
  { title: 'a used ticket', status: 401, code: 'unauthenticated', options: () => usedTicket() },
  { title: 'an expired ticket', status: 401, code: 'unauthenticated', options: () => expiredTicket() },
  {
    title: 'a ticket of another session',
    status: 401,
    code: 'unauthenticated',
    options: async () => ({ protocols: [await ticketFor(bob, otherId)] }),
  },
  {
    title: 'a made-up ticket, with the cookie of the owner',
    status: 401,
    code: 'unauthenticated',
    options: () => ({ protocols: [`ticket.${'A'.repeat(43)}`], headers: asPage(bobsCookie) }),
  },
  { title: 'an empty ticket', status: 401, code: 'unauthenticated', options: () => ({ protocols: ['ticket.'] }) },
  {
    title: 'a token in the address',
    status: 401,
    code: 'unauthenticated',
    options: () => ({ headers: { origin: product.url }, query: `?token=${bob.token}&access_token=${bob.token}` }),
  },
  {
    title: 'a token in the address and no Origin',
    status: 403,
    code: 'origin_refused',
    options: () => ({ query: `?token=${bob.token}` }),
  },
  {
    title: 'a session that does not exist',
    status: 404,
    code: 'not_found',
    options: () => ({ headers: bearer(bob.token) }),
    id: () => '00000000-0000-4000-8000-000000000000',
  },
  {
    title: 'a session whose id is none',
    status: 404,
    code: 'not_found',
    options: () => ({ headers: bearer(bob.token) }),
    id: () => 'mine',
  },
  {
    title: 'a session reached by dots',
    status: 404,
    code: 'not_found',
    options: () => ({ headers: bearer(cyd.token) }),
    id: () => `${sessionId}%2f..`,
  },
];

const usedTicket = async (): Promise<KnockOptions> => {
  const protocols = [await ticketFor(bob, sessionId)];
  (await enter(socketAddress(product, 'ws', sessionId), { protocols })).close();
  return { protocols };
};

/** Time passes in the database, where the ticket's end stands. */
const expiredTicket = async (): Promise<KnockOptions> => {
  const protocols = [await ticketFor(bob, sessionId)];
  await database.query("update tickets set expires_at = now() - interval '1 second'");
  return { protocols };
};

describe('who gets in', () => {
  it.each(rows.map((row) => [row.title, row] as const))('%s', async (_title, { status, code, options, id }) => {
    for (const name of names) {
      const answer = await knock(socketAddress(product, name, id?.() ?? sessionId), await options());
      await answer.socket?.alive();
      answer.socket?.close();
      expect([name, answer.status, answer.code]).toEqual([name, status, code]);
    }
  });

  it('nothing that lets somebody in stands in a log', async () => {
    const [{ ticket }] = [await bob.client.call(routes.auth.ticket, { body: { sessionId } })];
    (await enter(socketAddress(product, 'ws', sessionId), { protocols: [`ticket.${ticket}`] })).close();
    for (const secret of [ticket, bob.token, bobsCookie, cydsCookie]) expect(product.output()).not.toContain(secret);
  });
});

describe('who gets in no longer', () => {
  const openAll = (options: KnockOptions): Promise<OpenSocket[]> =>
    Promise.all(names.map((name) => enter(socketAddress(product, name, sessionId), options)));
  const expectClosed = async (sockets: readonly OpenSocket[]): Promise<void> => {
    const codes = await Promise.all(sockets.map((socket) => socket.closed(5_000)));
    expect(codes).toEqual(names.map(() => closeCodeOf('unauthenticated')));
  };

  it('after signing out, within five seconds, by cookie and by ticket', async () => {
    const cookie = await signInByCookie(product, bob);
    const sockets = await openAll({ headers: asPage(cookie) });
    const issued = await fetch(`${product.url}/api/auth/tickets`, {
      method: 'POST',
      headers: { ...asPage(cookie), 'content-type': 'application/json' },
      body: JSON.stringify({ sessionId }),
    });
    const { ticket } = (await issued.json()) as { ticket: string };
    const byTicket = await enter(socketAddress(product, 'ws', sessionId), { protocols: [`ticket.${ticket}`] });
    const others = await openAll({ headers: asPage(bobsCookie) });
    await Promise.all([...sockets, ...others, byTicket].map((socket) => socket.alive()));

    const gone = await fetch(`${product.url}/api/auth/logout`, { method: 'POST', headers: asPage(cookie) });
    expect(gone.status).toBe(200);
    await expectClosed(sockets);
    expect(await byTicket.closed(5_000)).toBe(closeCodeOf('unauthenticated'));
    // Another sign-in of the same person goes on.
    await Promise.all(others.map((socket) => socket.alive()));
    for (const socket of others) socket.close();
    expect((await knock(socketAddress(product, 'ws', sessionId), { headers: asPage(cookie) })).status).toBe(401);
  });

  it('after an admin locked the person out', async () => {
    const eve = await addMember(product, ada, 'Eve');
    const { id } = await eve.client.call(routes.sessions.create, { body: { name: 'Eve’s' } });
    const sockets = await Promise.all(
      names.map((name) => enter(socketAddress(product, name, id), { headers: bearer(eve.token) })),
    );
    await Promise.all(sockets.map((socket) => socket.alive()));
    const { user } = await eve.client.call(routes.auth.currentUser, {});
    await ada.client.call(routes.users.patch, { params: { id: user.id }, body: { disabled: true } });
    await expectClosed(sockets);
    await ada.client.call(routes.sessions.remove, { params: { id } });
  });

  it('not in the moment between being let in and being served', async () => {
    const cookie = await signInByCookie(product, bob);
    const knocking = Array.from({ length: 20 }, () =>
      knock(socketAddress(product, 'ws', sessionId), { headers: asPage(cookie) }),
    );
    const gone = fetch(`${product.url}/api/auth/logout`, { method: 'POST', headers: asPage(cookie) });
    const answers = await Promise.all(knocking);
    await gone;
    const codes = await Promise.all(
      answers.map(async ({ status, socket }) => (socket === null ? status : socket.closed(5_000))),
    );
    for (const code of codes) expect([401, closeCodeOf('unauthenticated')]).toContain(code);
  });
});

/** One valid message of each type; each would leave a trace if it were handed on. */
const terminalId = crypto.randomUUID() as TerminalId;
const messages: Record<ClientMessageType, unknown> = {
  ping: {},
  stream: { action: 'unsubscribe', of: 'files' },
  claude: { prompt: 'This must not arrive' },
  interrupt: {},
  withdraw: { messageId: crypto.randomUUID() },
  approve: { approvalId: 'toolu_none', decision: 'allow' },
  configure: { effort: 'low' },
  terminal: { action: 'create', terminalId, cols: 80, rows: 24 },
  file: { action: 'write', path: 'must-not-exist', content: 'x', ifMatch: null },
  execute: { command: 'touch /workspace/must-not-exist' },
};

describe('what each socket takes', () => {
  it.each(names)('%s refuses what is not its own, and hands nothing of it on', async (name) => {
    const socket = await enter(socketAddress(product, name, sessionId), { headers: bearer(bob.token) });
    const { head } = await bob.client.call(routes.claude.history, { params: { id: sessionId } });
    const last = await database.lastAudit();
    const accepted: readonly string[] = sessionSockets[name].accepts;
    const refused = (Object.keys(messages) as ClientMessageType[]).filter((type) => !accepted.includes(type));
    expect(refused).toHaveLength(name === 'ws' ? 0 : 10 - accepted.length);
    for (const type of refused) {
      const id = crypto.randomUUID();
      const message = { id, type, payload: messages[type] };
      expect(clientMessage.safeParse(message).success).toBe(true);
      socket.send(JSON.stringify(message));
      expect(await socket.answer(id)).toMatchObject({ id, type: 'error', payload: { code: 'bad_request' } });
    }
    await socket.alive();
    socket.close();
    expect((await bob.client.call(routes.claude.history, { params: { id: sessionId } })).head).toBe(head);
    expect(await database.query('select action from audit_logs where id > $1', [last])).toEqual([]);
    expect((await execute(bob, sessionId, 'test -e /workspace/must-not-exist')).exitCode).toBe(1);
  });

  it.each(names)('%s answers what is its own', async (name) => {
    const socket = await enter(socketAddress(product, name, sessionId), { headers: bearer(bob.token) });
    const wanted: Partial<Record<ClientMessageType, [payload: unknown, answer: string]>> = {
      stream: [{ action: 'subscribe', of: 'events' }, 'hello'],
      claude: [{ prompt: `Hello over ${name}` }, 'accepted'],
      interrupt: [{}, 'accepted'],
      configure: [{ effort: 'medium' }, 'accepted'],
      approve: [{ approvalId: 'toolu_none', decision: 'allow' }, 'error'],
      withdraw: [{ messageId: crypto.randomUUID() }, 'accepted'],
      terminal: [{ action: 'create', terminalId: crypto.randomUUID(), cols: 80, rows: 24 }, 'terminal-'],
      file: [{ action: 'list', path: '' }, 'file-result'],
      execute: [{ command: 'echo over a socket' }, 'execute-result'],
      ping: [{}, 'pong'],
    };
    for (const type of sessionSockets[name].accepts) {
      const [payload, answer] = wanted[type] ?? [{}, ''];
      const said = await socket.answer(socket.say(type, payload));
      expect([type, said.type]).toEqual([type, expect.stringMatching(`^${answer}`)]);
      if (type === 'execute') expect(said.payload).toMatchObject({ stdout: 'over a socket\n', exitCode: 0 });
      if (type === 'approve') expect(said.payload).toMatchObject({ code: 'not_found' });
    }
    socket.close();
  });
});

const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const nonsense: [string, () => string][] = [
  ['half of a message', () => '{"id":"1","type":"ping","payl'],
  ['no message', () => ''],
  ['null', () => 'null'],
  ['a list', () => '[{"id":"1","type":"ping","payload":{}}]'],
  ['an unknown type', () => '{"id":"1","type":"shutdown","payload":{}}'],
  ['a type that is the server’s', () => '{"id":"1","type":"hello","payload":{}}'],
  ['a missing payload', () => '{"id":"1","type":"ping"}'],
  ['a payload too many', () => '{"id":"1","type":"ping","payload":{},"role":"admin"}'],
  ['an id too long', () => JSON.stringify({ id: 'x'.repeat(100_000), type: 'ping', payload: {} })],
  ['a number as an id', () => '{"id":1e400,"type":"ping","payload":{}}'],
  ['a prototype', () => '{"__proto__":{"type":"ping"},"constructor":{"prototype":{}}}'],
  ['a path out of the tree', () => '{"id":"1","type":"file","payload":{"action":"read","path":"../../etc/passwd"}}'],
  ['nothing but depth', () => deep(200_000)],
  ['a NUL', () => '\u0000'],
];

describe('nonsense harms nobody', () => {
  /** The server answers, and so do sockets of others. */
  const expectWell = async (bystander: OpenSocket): Promise<void> => {
    await bystander.alive();
    expect((await fetch(`${product.url}/healthz`)).status).toBe(200);
  };
  const enterBoth = async (name: SessionSocketName): Promise<[OpenSocket, OpenSocket]> => {
    const address = socketAddress(product, name, sessionId);
    return [
      await enter(address, { headers: bearer(bob.token) }),
      await enter(address, { headers: asPage(bobsCookie) }),
    ];
  };

  it.each(names)('%s says what is wrong, stays open for a few, and closes after too many', async (name) => {
    const [socket, bystander] = await enterBoth(name);
    for (const [what, frame] of nonsense.slice(0, 9)) {
      const before = socket.said().length;
      socket.send(frame());
      await socket.alive();
      expect([what, socket.said().at(before)?.type]).toEqual([what, 'error']);
    }
    for (let count = 0; count < 3; count += 1) socket.send('more {');
    expect(await socket.closed(10_000)).toBe(closeCodeOf('bad_request'));
    await expectWell(bystander);
    bystander.close();
  });

  it.each(names)('%s survives the rest of it', async (name) => {
    const [socket, bystander] = await enterBoth(name);
    for (const [what, frame] of nonsense.slice(9)) {
      const before = socket.said().length;
      socket.send(frame());
      await socket.alive();
      expect([what, socket.said().at(before)?.type]).toEqual([what, 'error']);
    }
    await expectWell(bystander);
    socket.close();
    bystander.close();
  });

  it.each(names)('%s survives binary noise', async (name) => {
    const [socket, bystander] = await enterBoth(name);
    const frames = [
      new Uint8Array(0),
      randomBytes(1),
      randomBytes(24),
      Buffer.concat([Buffer.from([0xff]), randomBytes(5_000)]),
      encodeTerminalFrame({
        kind: frameKind.output,
        terminalId: crypto.randomUUID() as TerminalId,
        position: 1,
        bytes: randomBytes(10),
      }),
    ];
    for (const frame of frames) socket.send(frame);
    await socket.alive();
    expect(socket.said().filter(({ type }) => type === 'error').length).toBe(frames.length);
    // Well-formed, for a terminal that is not there: it harms neither this line nor another.
    socket.send(
      encodeTerminalFrame({
        kind: frameKind.input,
        terminalId: crypto.randomUUID() as TerminalId,
        position: 1,
        bytes: Buffer.from('rm -rf /\n'),
      }),
    );
    await socket.alive();
    for (let count = 0; count < 8; count += 1) socket.send(Buffer.concat([Buffer.from([9]), randomBytes(200)]));
    expect(await socket.closed(10_000)).toBe(closeCodeOf('bad_request'));
    await expectWell(bystander);
    bystander.close();
  });

  it.each(names)('%s closes on a frame that is too large, and takes one that just fits', async (name) => {
    const [socket, bystander] = await enterBoth(name);
    const frame = (bytes: number): string =>
      JSON.stringify({ id: 'x', type: 'ping', payload: { p: '' } }).replace('""', `"${'x'.repeat(bytes)}"`);
    socket.send(frame(maxFrameBytes - 1_000));
    await socket.alive();
    socket.send(frame(maxFrameBytes + 1));
    // 1009 is the protocol's own word for it, said by the WebSocket library before any of ours.
    expect([1009, closeCodeOf('payload_too_large')]).toContain(await socket.closed(10_000));
    await expectWell(bystander);
    bystander.close();
  });

  it('a flood is slowed, not obeyed', async () => {
    const [socket, bystander] = await enterBoth('ws');
    for (let count = 0; count < 3_000; count += 1) socket.say('ping', {}, String(count));
    await expectWell(bystander);
    await bystander.alive();
    const refused = (): number => socket.said().filter(({ payload }) => payload['code'] === 'rate_limited').length;
    await until(() => refused() > 500, { what: 'the flood to be slowed' });
    socket.close();
    bystander.close();
  });

  it('a viewer that vanishes in the middle of its work leaves the session well', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 10 }, () => enter(socketAddress(product, 'ws', sessionId), { headers: bearer(bob.token) })),
    );
    for (const socket of sockets) {
      socket.say('stream', { action: 'subscribe', of: 'events' });
      socket.say('execute', { command: 'sleep 0.2; echo late' });
      socket.close();
    }
    const answer = await bob.client.call(routes.claude.chat, {
      params: { id: sessionId },
      body: { message: 'Still there?' },
    });
    expect(answer).toMatchObject({ outcome: 'completed' });
    expect(product.output()).not.toMatch(/uncaught|unhandled/i);
  });
});

describe('where an act comes from', () => {
  const forwarded = { 'x-forwarded-for': '192.0.2.1, 203.0.113.7' };
  const addresses = (after: number) =>
    database.query<{ action: string; ip: string }>('select action, ip from audit_logs where id > $1 order by id', [
      after,
    ]);

  it.each([
    ['a proxy that is trusted', {}, '203.0.113.7'],
    ['a proxy that is not', { localAddress: '127.0.0.2' }, '127.0.0.2'],
  ])('by a socket, through %s', async (_title, from, ip) => {
    const address = socketAddress(product, 'ws', sessionId).replace('localhost', '127.0.0.1');
    const last = await database.lastAudit();
    const socket = await enter(address, { headers: { ...bearer(bob.token), ...forwarded }, ...from });
    expect(await socket.answer(socket.say('execute', { command: 'true' }))).toMatchObject({ type: 'execute-result' });
    socket.close();
    expect(await addresses(last)).toEqual([{ action: 'sessions.execute', ip }]);
  });

  it('by HTTP, through a proxy that is trusted', async () => {
    const last = await database.lastAudit();
    const answer = await fetch(`${product.url.replace('localhost', '127.0.0.1')}/api/sessions/${sessionId}`, {
      method: 'PATCH',
      headers: { ...bearer(bob.token), ...forwarded, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Sockets' }),
    });
    expect(answer.status).toBe(200);
    expect(await addresses(last)).toEqual([{ action: 'sessions.patch', ip: '203.0.113.7' }]);
  });
});
