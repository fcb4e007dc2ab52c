// Viewers over real sockets, with an agent that speaks the protocol: what is durable, what passes, and who lags.

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeDriver } from '@remote-claude/compute/testing';
import {
  encodeTerminalFrame,
  frameKind,
  reduceSession,
  sessionPermissions,
  type ClientMessage,
  type NumberedEvent,
  type ServerMessage,
  type ServerMessageOf,
  type SessionSocketName,
  type TerminalId,
  type TurnId,
} from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { createSessionHouse, secretOf, type SessionHouse } from '../../testing/session-house.js';
import { startTinyAgent, type TinyAgent } from '../../testing/tiny-agent.js';
import { createApprovalProjection, createClaude, createClaudeStore } from '../claude/index.js';
import type { Places } from '../places/index.js';
import { createHub, createSummaries, type Hub } from './index.js';

const patience = { timeout: 20_000, interval: 10 };
const folder = mkdtempSync(join(tmpdir(), 'rc-live-'));
const agents = new Map<string, TinyAgent>();
const revocations = new Set<(loginId: string) => void>();
let house: SessionHouse;
let places: Places;
let server: Server;
let hub: Hub;
let person: Awaited<ReturnType<SessionHouse['person']>>;
let onLive: (agent: TinyAgent, message: ClientMessage, line: WebSocket) => void = () => {};

const newHub = () => {
  const { database, events, door, clock, log, audit, commands } = house;
  const claude = createClaude({ database, store: createClaudeStore(database), events, commands, audit, clock, maxWaitMs: 1_000 });
  return createHub({
    events,
    door,
    clock,
    log,
    timing: { heartbeatMs: 10_000, deadMs: 25_000, minRetryMs: 20, maxRetryMs: 200 },
    onRevoked(listener) {
      revocations.add(listener);
      return () => revocations.delete(listener);
    },
    actions: {
      say: async (request, sessionId, { id, prompt }) => void (await claude.send({ ...request, sessionId, id }, prompt)),
      interrupt: async (request, sessionId, { id }) => void (await claude.interrupt({ ...request, sessionId, id })),
      withdraw: async (request, sessionId, { id, messageId }) => void (await claude.withdraw({ ...request, sessionId, id }, messageId)),
      answer: async (request, sessionId, { id, approvalId, answer }) =>
        void (await claude.answer({ ...request, sessionId, id }, approvalId, answer)),
      configure: async (request, sessionId, { id, settings }) => void (await claude.configure({ ...request, sessionId, id }, settings)),
      audit: ({ actor, ip }, sessionId, action, details) =>
        audit.record(database.db, { userId: actor.userId, sessionId, action, details, ip }),
    },
  });
};

beforeAll(async () => {
  house = await createSessionHouse({ projections: (database) => [createApprovalProjection(createClaudeStore(database))] });
  person = await house.person();
  const address = (sessionId: string) => join(folder, `${sessionId.slice(0, 8)}.sock`);
  const driver = createFakeDriver({
    addresses: (sessionId) => {
      const door = { kind: 'unix' as const, path: address(sessionId), ownerUid: process.getuid?.() ?? 0 };
      return { agent: door, gateway: door };
    },
    async onStart({ sessionId, placeId }) {
      const socketPath = address(sessionId);
      const agent = await startTinyAgent({ socketPath, secret: secretOf(placeId), onLive: (a, message, line) => onLive(a, message, line) });
      agents.set(sessionId, agent);
    },
    onEnd: async ({ sessionId }) => agents.get(sessionId)?.close(),
  });
  places = house.newPlaces(driver);
  hub = newHub();
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const [, name, sessionId, granted] = (request.url ?? '').split('/');
    wss.handleUpgrade(request, socket, head, (ws) =>
      hub.onSocket(ws, {
        name: name as SessionSocketName,
        sessionId: sessionId as never,
        actor: person.actor,
        permissions: new Set(granted === 'reader' ? ['session.inspect', 'session.chat.read'] : sessionPermissions),
        ip: person.ip,
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  hub.close();
  server.closeAllConnections();
  server.close();
  await places.close();
  for (const agent of agents.values()) await agent.close();
  await house.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = async (sessionId: string, options: { name?: SessionSocketName; as?: 'owner' | 'reader' } = {}) => {
  const { port } = server.address() as AddressInfo;
  const ws = new WebSocket(`ws://127.0.0.1:${port}/${options.name ?? 'ws'}/${sessionId}/${options.as ?? 'owner'}`);
  const messages: ServerMessage[] = [];
  const frames: Buffer[] = [];
  let closed: { code: number; reason: string } | null = null;
  ws.on('message', (data, isBinary) => {
    if (isBinary) frames.push(data as Buffer);
    else messages.push(JSON.parse((data as Buffer).toString()) as ServerMessage);
  });
  ws.on('error', () => {});
  ws.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() };
  });
  await new Promise<void>((resolve, reject) => ws.once('open', resolve).once('error', reject));
  return {
    ws,
    messages,
    frames,
    closed: () => closed,
    send: (type: string, payload: unknown, id: string = randomUUID()) => {
      ws.send(JSON.stringify({ id, type, payload }));
      return id;
    },
    of: <T extends ServerMessage['type']>(type: T) => messages.filter((message): message is ServerMessageOf<T> => message.type === type),
    /** Every event that it was told, in order of telling. */
    told: (): NumberedEvent[] =>
      messages.flatMap((message) => (message.type === 'hello' || message.type === 'events' ? message.payload.events : [])),
    subscribe: (cursor: { epoch?: string; after?: number } = {}) =>
      ws.send(JSON.stringify({ id: randomUUID(), type: 'stream', payload: { action: 'subscribe', of: 'events', ...cursor } })),
  };
};
type Viewer = Awaited<ReturnType<typeof open>>;

const running = async (): Promise<string> => {
  const { id } = await house.sessions.create(person, {});
  await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('idle'), patience);
  return id;
};
const agentOf = (sessionId: string): TinyAgent => {
  const agent = agents.get(sessionId);
  if (agent === undefined) throw new Error('no agent');
  return agent;
};
const turnId = randomUUID() as TurnId;
const text = (n: number, words = String(n)) => ({
  type: 'text' as const,
  turnId,
  blockId: `b:${n}` as never,
  text: { text: words, bytes: words.length },
  parentToolUseId: null,
});
const delta = (blockId: string, offset: number, content: string): ServerMessage => ({
  id: '',
  type: 'claude-stream',
  payload: { turnId, blockId: blockId as never, type: 'text', tool: null, parentToolUseId: null, offset, content },
});
const subscribed = async (sessionId: string, cursor = {}): Promise<Viewer> => {
  const viewer = await open(sessionId);
  viewer.subscribe(cursor);
  await vi.waitFor(() => expect(viewer.of('hello')).toHaveLength(1), patience);
  return viewer;
};
const numbers = (viewer: Viewer): number[] => viewer.told().map(({ seq }) => seq);

describe('events', () => {
  test('a first load has the state and the last events; what comes later follows, once and in order', async () => {
    const id = await running();
    const viewer = await subscribed(id);
    const hello = viewer.of('hello')[0]?.payload;
    expect(hello).toMatchObject({ first: 1, state: { place: { status: 'running' } } });
    expect(hello?.events.at(-1)?.seq).toBe(hello?.head);
    for (let n = 1; n <= 20; n += 1) agentOf(id).propose(text(n));
    const { head } = await vi.waitFor(async () => {
      const now = await house.events.head(id);
      expect(numbers(viewer).at(-1)).toBe(now.head);
      expect(agentOf(id).unacknowledged()).toBe(0);
      return now;
    }, patience);
    expect(numbers(viewer)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    viewer.ws.close();
  });

  test('a viewer whose line is cut comes back with its number and has every event once', async () => {
    const id = await running();
    const agent = agentOf(id);
    const all: NumberedEvent[] = [];
    let viewer = await subscribed(id);
    const epoch = viewer.of('hello')[0]?.payload.epoch ?? '';
    for (let n = 1; n <= 240; n += 1) {
      agent.propose(text(n));
      if (n % 40 === 0) {
        viewer.ws.terminate();
        all.push(...viewer.told());
        viewer = await subscribed(id, { epoch, after: all.at(-1)?.seq ?? 0 });
        expect(viewer.of('hello')[0]?.payload.events).toEqual([]);
      }
    }
    await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    const { head, state } = await house.events.head(id);
    await vi.waitFor(() => expect([...all, ...viewer.told()].at(-1)?.seq).toBe(head), patience);
    all.push(...viewer.told());
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    const { initialSessionState } = await import('@remote-claude/contract');
    expect(all.reduce(reduceSession, initialSessionState)).toEqual(state);
    viewer.ws.close();
  });

  test('another epoch, or a number that is not there yet, is a first load', async () => {
    const id = await running();
    for (const cursor of [{ epoch: 'another', after: 1 }, { after: 10_000 }]) {
      const viewer = await subscribed(id, cursor);
      expect(viewer.of('hello')[0]?.payload.events.length).toBeGreaterThan(0);
      viewer.ws.close();
    }
  });

  test('a viewer that does not read costs at most so much, and has every event once when it reads again', async () => {
    const id = await running();
    const agent = agentOf(id);
    const slow = await subscribed(id);
    const quick = await subscribed(id);
    slow.ws.pause();
    const count = 2_400;
    for (let n = 1; n <= count; n += 1) {
      agent.propose(text(n, `${n} ${'x'.repeat(11_000)}`));
      if (n % 100 === 0) await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    }
    const { head } = await house.events.head(id);
    await vi.waitFor(() => expect(numbers(quick).at(-1)).toBe(head), patience);
    expect(slow.closed()).toBeNull();
    slow.ws.resume();
    await vi.waitFor(() => expect(numbers(slow).at(-1)).toBe(head), patience);
    expect(numbers(slow)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    slow.ws.close();
    quick.ws.close();
  }, 60_000);
});

describe('what passes', () => {
  test('open blocks stream, a late viewer gets what there is, and the final event ends them', async () => {
    const id = await running();
    const agent = agentOf(id);
    const early = await subscribed(id);
    await vi.waitFor(() => expect(early.of('place').some(({ payload }) => payload.reachable)).toBe(true), patience);
    agent.tell(delta('b:1', 0, 'Hello'));
    agent.tell(delta('b:1', 5, ', world'));
    await vi.waitFor(() => expect(early.of('claude-stream').map(({ payload }) => payload.content).join('')).toBe('Hello, world'), patience);
    const late = await subscribed(id);
    expect(late.of('hello')[0]?.payload.open).toMatchObject([{ blockId: 'b:1', text: 'Hello, world' }]);
    agent.propose(text(1, 'Hello, world'));
    await vi.waitFor(() => expect(late.told().at(-1)?.event.type).toBe('text'), patience);
    // It was on its way when the block became final.
    agent.tell(delta('b:1', 12, '!'));
    agent.tell({ id: '', type: 'notice', payload: { kind: 'info', text: 'after' } });
    await vi.waitFor(() => expect(late.of('notice')).toHaveLength(1), patience);
    expect(late.of('claude-stream')).toEqual([]);
    const later = await subscribed(id);
    expect(later.of('hello')[0]?.payload.open).toEqual([]);
    for (const viewer of [early, late, later]) viewer.ws.close();
  });

  test('an agent cannot speak for the server: neither on the shared line nor on a viewer’s own', async () => {
    const id = await running();
    const agent = agentOf(id);
    const viewer = await subscribed(id);
    await vi.waitFor(() => expect(viewer.of('place').some(({ payload }) => payload.reachable)).toBe(true), patience);
    const hello = viewer.of('hello').length;
    onLive = (_agent, message, line) => {
      if (message.type !== 'file') return;
      const forged = { ...viewer.of('hello')[0], id: message.id };
      line.send(JSON.stringify(forged));
      line.send(JSON.stringify({ id: message.id, type: 'events', payload: { events: [{ seq: 1, at: new Date().toISOString(), event: text(9) }] } }));
      line.send(JSON.stringify({ id: message.id, type: 'going-away', payload: { retryAfterMs: 1 } }));
      line.send('{noise');
      line.send(JSON.stringify({ id: message.id, type: 'file-result', payload: { success: true, data: { nodes: [] } } }));
    };
    agent.tell({ id: '', type: 'going-away', payload: { retryAfterMs: 1 } });
    const asked = viewer.send('file', { action: 'list', path: '' });
    await vi.waitFor(() => expect(viewer.of('file-result').map((message) => message.id)).toEqual([asked]), patience);
    expect(viewer.of('hello')).toHaveLength(hello);
    expect(viewer.of('going-away')).toEqual([]);
    expect(viewer.told().filter(({ event }) => event.type === 'text')).toEqual([]);
    onLive = () => {};
    viewer.ws.close();
  });

  test('terminal bytes pass both ways unread; what asked for an answer gets one when the line breaks', async () => {
    const id = await running();
    const agent = agentOf(id);
    const viewer = await subscribed(id);
    const terminalId = randomUUID() as TerminalId;
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    viewer.send('terminal', { action: 'create', terminalId, cols: 80, rows: 24 });
    viewer.ws.send(encodeTerminalFrame({ kind: frameKind.input, terminalId, position: 1, bytes }));
    await vi.waitFor(() => expect(viewer.frames).toHaveLength(1), patience);
    expect(viewer.frames[0]).toEqual(Buffer.from(encodeTerminalFrame({ kind: frameKind.output, terminalId, position: 1, bytes })));
    const asked = viewer.send('execute', { command: 'sleep 100' });
    await new Promise<void>((resolve) => {
      onLive = (_agent, message) => message.type === 'execute' && resolve();
    });
    agent.cut();
    await vi.waitFor(() => expect(viewer.of('error').map((message) => [message.id, message.payload.code])).toEqual([[asked, 'place_unreachable']]), patience);
    await vi.waitFor(() => expect(viewer.of('place').at(-1)?.payload.reachable).toBe(true), patience);
    onLive = () => {};
    viewer.ws.close();
  });
});

describe('what a viewer sends', () => {
  test('a command is stored and accepted once; its id again is accepted alike', async () => {
    const id = await running();
    const viewer = await open(id);
    const command = randomUUID();
    for (let times = 0; times < 2; times += 1) viewer.send('claude', { prompt: 'Hello' }, command);
    await vi.waitFor(() => expect(viewer.of('accepted').map(({ payload }) => payload.commandId)).toEqual([command, command]), patience);
    expect(await house.commands.pending(id, 0, 10)).toHaveLength(1);
    const audits = await house.database.db.selectFrom('audit_logs').selectAll().where('session_id', '=', id).where('action', '=', 'claude.chat').execute();
    expect(audits).toHaveLength(1);
    viewer.ws.close();
  });

  test('what is malformed is answered, and too much of it closes the socket', async () => {
    const id = await running();
    const viewer = await open(id);
    viewer.ws.send('{ not json');
    viewer.send('unheard of', {}, 'a');
    viewer.send('terminal', { action: 'create' }, 'b');
    viewer.ws.send(Buffer.from('binary noise'));
    viewer.send('ping', {}, 'c');
    await vi.waitFor(() => expect(viewer.of('pong').map((message) => message.id)).toEqual(['c']), patience);
    expect(viewer.of('error')).toHaveLength(4);
    expect(viewer.of('error').map((message) => message.id)).toEqual(expect.arrayContaining(['a', 'b']));
    for (let times = 0; times < 10; times += 1) viewer.ws.send('noise');
    await vi.waitFor(() => expect(viewer.closed()?.code).toBe(4400), patience);
  });

  test('a socket takes its own types alone, and nobody does what they may not', async () => {
    const id = await running();
    const files = await open(id, { name: 'files' });
    files.send('claude', { prompt: 'no' }, randomUUID());
    const reader = await open(id, { as: 'reader' });
    reader.send('claude', { prompt: 'no' });
    reader.send('execute', { command: 'id' });
    reader.send('stream', { action: 'subscribe', of: 'files' });
    reader.ws.send(encodeTerminalFrame({ kind: frameKind.input, terminalId: randomUUID() as TerminalId, position: 1, bytes: Uint8Array.of(1) }));
    await vi.waitFor(() => expect(reader.of('error').map(({ payload }) => payload.code)).toEqual(Array(4).fill('forbidden')), patience);
    await vi.waitFor(() => expect(files.of('error').map(({ payload }) => payload.code)).toEqual(['bad_request']), patience);
    files.ws.close();
    reader.ws.close();
  });

  test('a flood is limited and the socket stays', async () => {
    const id = await running();
    const viewer = await open(id);
    for (let times = 0; times < 1_500; times += 1) viewer.send('ping', {}, `p${times}`);
    await vi.waitFor(() => expect(viewer.messages).toHaveLength(1_500), patience);
    expect(viewer.of('error').length).toBeGreaterThan(500);
    expect(viewer.of('error').every(({ payload }) => payload.code === 'rate_limited')).toBe(true);
    expect(viewer.closed()).toBeNull();
    viewer.ws.close();
  });
});

describe('ends', () => {
  test('a sign-in that ends takes its sockets with it', async () => {
    const id = await running();
    const viewer = await subscribed(id);
    for (const listener of revocations) listener(person.actor.loginId);
    await vi.waitFor(() => expect(viewer.closed()?.code).toBe(4401), patience);
  });

  test('a session that does not exist closes the socket with its reason', async () => {
    const viewer = await open(randomUUID());
    await vi.waitFor(() => expect(viewer.closed()).not.toBeNull(), patience);
  });

  test('summaries tell a session’s owner what changed', async () => {
    const { bus, clock, sessions } = house;
    const summaries = createSummaries({ bus, clock, read: sessions.get, everyMs: 20 });
    const seen: string[] = [];
    const stop = summaries.subscribe(person.actor.userId, (session) => seen.push(session.name));
    const id = await running();
    await house.sessions.rename(id, person, 'Renamed');
    await vi.waitFor(() => expect(seen).toContain('Renamed'), patience);
    stop();
    summaries.close();
  });

  test('at a drain everyone is told when to come back', async () => {
    const id = await running();
    const viewer = await subscribed(id);
    hub.drain();
    await vi.waitFor(() => expect(viewer.closed()?.code).toBe(1012), patience);
    expect(viewer.of('going-away')).toHaveLength(1);
    expect(Number(viewer.closed()?.reason)).toBe(viewer.of('going-away')[0]?.payload.retryAfterMs);
  });
});
