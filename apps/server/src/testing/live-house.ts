// Sessions with tiny agents, a hub over them, and viewers over real sockets, for tests of live traffic.

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeDriver } from '@remote-claude/compute/testing';
import {
  sessionPermissions,
  type ClientMessage,
  type NumberedEvent,
  type ServerMessage,
  type ServerMessageOf,
  type SessionSocketName,
} from '@remote-claude/contract';
import { expect, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { createApprovalProjection, createClaude, createClaudeStore } from '../features/claude/index.js';
import { createHub, type SocketCeilings } from '../features/live/index.js';
import { createStanding } from '../platform/http/index.js';
import { createSessionHouse, secretOf } from './session-house.js';
import { startTinyAgent, type TinyAgent } from './tiny-agent.js';

const ownersOnly: string[] = ['session.manage', 'session.prepare', 'session.share'];
const rolesOf = {
  owner: sessionPermissions,
  editor: sessionPermissions.filter((permission) => !ownersOnly.includes(permission)),
  reader: ['session.inspect', 'session.chat.read', 'session.terminal.read'],
} as const;
export const patience = { timeout: 20_000, interval: 10 };

export type ViewerRole = keyof typeof rolesOf;

export const openViewer = async (
  port: number,
  sessionId: string,
  options: { name?: SessionSocketName; as?: ViewerRole } = {},
) => {
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
    of: <T extends ServerMessage['type']>(type: T) =>
      messages.filter((message): message is ServerMessageOf<T> => message.type === type),
    /** Every event that it was told, in order of telling. */
    told: (): NumberedEvent[] =>
      messages.flatMap((message) =>
        message.type === 'hello' || message.type === 'events' ? message.payload.events : [],
      ),
    subscribe: (cursor: { epoch?: string; after?: number } = {}) =>
      ws.send(
        JSON.stringify({ id: randomUUID(), type: 'stream', payload: { action: 'subscribe', of: 'events', ...cursor } }),
      ),
  };
};
export type Viewer = Awaited<ReturnType<typeof openViewer>>;

export const numbers = (viewer: Viewer): number[] => viewer.told().map(({ seq }) => seq);

export const createLiveHouse = async (options: { ceilings?: SocketCeilings } = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'rc-live-'));
  const agents = new Map<string, TinyAgent>();
  const revocations = new Set<(loginId: string) => void>();
  const changes = new Set<(change: null) => void>();
  const hooks: {
    onLive(agent: TinyAgent, message: ClientMessage, line: WebSocket): void;
    /** Before a message is said, or something is written to the audit log. */
    beforeAct(): Promise<void>;
  } = { onLive: () => {}, beforeAct: async () => {} };
  const house = await createSessionHouse({
    projections: (database) => [createApprovalProjection(createClaudeStore(database))],
  });
  const person = await house.person();
  const address = (sessionId: string) => join(folder, `${sessionId.slice(0, 8)}.sock`);
  const driver = createFakeDriver({
    addresses: (sessionId) => {
      const door = { kind: 'unix' as const, path: address(sessionId), ownerUid: process.getuid?.() ?? 0 };
      return { agent: door, gateway: door };
    },
    async onStart({ sessionId, placeId }) {
      const socketPath = address(sessionId);
      const secret = secretOf(placeId);
      agents.set(sessionId, await startTinyAgent({ socketPath, secret, onLive: (...said) => hooks.onLive(...said) }));
    },
    onEnd: async ({ sessionId }) => agents.get(sessionId)?.close(),
  });
  const places = house.newPlaces(driver);

  const { database, events, door, clock, log, audit, commands } = house;
  const claude = createClaude({
    rules: house.rules,
    database,
    store: createClaudeStore(database),
    events,
    commands,
    audit,
    clock,
    requireModel: () => {},
    maxWaitMs: 1_000,
  });
  let granted: ReadonlySet<string> = new Set();
  const standing = createStanding({
    clock,
    onRevoked(listener) {
      revocations.add(listener);
      return () => revocations.delete(listener);
    },
    onMembersChanged(listener) {
      changes.add(listener);
      return () => changes.delete(listener);
    },
  });
  const hub = createHub({
    events,
    door,
    clock,
    log,
    ...options,
    timing: { heartbeatMs: 10_000, deadMs: 25_000, minRetryMs: 20, maxRetryMs: 200 },
    standing,
    permissionsNow: async () => granted,
    actions: {
      async say(request, sessionId, { id, prompt }) {
        await hooks.beforeAct();
        await claude.send({ ...request, sessionId, id }, prompt);
      },
      interrupt: async (request, sessionId, { id, turnId }) =>
        void (await claude.interrupt({ ...request, sessionId, id }, { turnId })),
      withdraw: async (request, sessionId, { id, messageId }) =>
        void (await claude.withdraw({ ...request, sessionId, id }, messageId)),
      answer: async (request, sessionId, { id, approvalId, answer }) =>
        void (await claude.answer({ ...request, sessionId, id }, approvalId, answer)),
      configure: async (request, sessionId, { id, settings }) =>
        void (await claude.configure({ ...request, sessionId, id }, settings)),
      async audit({ actor, ip }, sessionId, action, details) {
        await hooks.beforeAct();
        await audit.record(database.db, { userId: actor.userId, sessionId, action, details, ip });
      },
    },
  });

  let { loginId } = person.actor;
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const [, name, sessionId, role] = (request.url ?? '').split('/');
    granted = new Set<string>(rolesOf[role as ViewerRole]);
    wss.handleUpgrade(request, socket, head, (ws) =>
      hub.onSocket(ws, {
        name: name as SessionSocketName,
        sessionId: sessionId as never,
        actor: { ...person.actor, loginId },
        permissions: granted,
        ip: person.ip,
        requestId: 'a-request',
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    house,
    person,
    hub,
    claude,
    hooks,
    /** Ends the sign-in of all sockets so far; later ones come with another, as they would. */
    revoke(): void {
      const ended = loginId;
      loginId = crypto.randomUUID();
      for (const listener of revocations) listener(ended);
    },
    /** What everybody may do from now on. */
    become(role: ViewerRole | 'stranger'): void {
      granted = new Set<string>(role === 'stranger' ? [] : rolesOf[role]);
      for (const listener of changes) listener(null);
    },
    open: (sessionId: string, options?: { name?: SessionSocketName; as?: ViewerRole }) =>
      openViewer(port, sessionId, options),
    /** With its `hello`. */
    async subscribed(sessionId: string, cursor: { epoch?: string; after?: number } = {}): Promise<Viewer> {
      const viewer = await openViewer(port, sessionId);
      viewer.subscribe(cursor);
      await vi.waitFor(() => expect(viewer.of('hello')).toHaveLength(1), patience);
      return viewer;
    },
    /** A session whose agent is linked. */
    async running(): Promise<string> {
      const { id } = await house.sessions.create(person, {});
      await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('idle'), patience);
      return id;
    },
    agentOf(sessionId: string): TinyAgent {
      const agent = agents.get(sessionId);
      if (agent === undefined) throw new Error('no agent was started');
      return agent;
    },
    async close(): Promise<void> {
      hub.close();
      standing.close();
      server.closeAllConnections();
      server.close();
      await places.close();
      for (const agent of agents.values()) await agent.close();
      await house.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
export type LiveHouse = Awaited<ReturnType<typeof createLiveHouse>>;
