// What viewers send over real sockets, and how sockets end.

import { randomUUID } from 'node:crypto';
import { encodeTerminalFrame, frameKind, type TerminalId } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { createLiveHouse, patience, type LiveHouse } from '../../testing/live-house.js';
import { createSummaries } from './index.js';

let live: LiveHouse;
beforeAll(async () => {
  live = await createLiveHouse({ ceilings: { maxOpen: 1_000, maxOpenEach: 40 } });
});
afterAll(() => live.close());

describe('what a viewer sends', () => {
  test('a command is stored and accepted once; its id again is accepted alike', async () => {
    const id = await live.running();
    const viewer = await live.open(id);
    const command = randomUUID();
    for (let times = 0; times < 2; times += 1) viewer.send('claude', { prompt: 'Hello' }, command);
    await vi.waitFor(
      () => expect(viewer.of('accepted').map(({ payload }) => payload.commandId)).toEqual([command, command]),
      patience,
    );
    expect(await live.house.commands.pending(id, 0, 10)).toHaveLength(1);
    const audits = await live.house.database.db
      .selectFrom('audit_logs')
      .selectAll()
      .where('session_id', '=', id)
      .where('action', '=', 'claude.chat')
      .execute();
    expect(audits).toHaveLength(1);
    viewer.ws.close();
  });

  test('what is malformed is answered, and too much of it closes the socket', async () => {
    const id = await live.running();
    const viewer = await live.open(id);
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
    const id = await live.running();
    const files = await live.open(id, { name: 'files' });
    files.send('claude', { prompt: 'no' }, randomUUID());
    const reader = await live.open(id, { as: 'reader' });
    reader.send('claude', { prompt: 'no' });
    reader.send('execute', { command: 'id' });
    reader.send('stream', { action: 'subscribe', of: 'files' });
    reader.ws.send(
      encodeTerminalFrame({
        kind: frameKind.input,
        terminalId: randomUUID() as TerminalId,
        position: 1,
        bytes: Uint8Array.of(1),
      }),
    );
    await vi.waitFor(
      () => expect(reader.of('error').map(({ payload }) => payload.code)).toEqual(Array(4).fill('forbidden')),
      patience,
    );
    await vi.waitFor(
      () => expect(files.of('error').map(({ payload }) => payload.code)).toEqual(['bad_request']),
      patience,
    );
    files.ws.close();
    reader.ws.close();
  });

  test('an agent is told who of those that watch a terminal may type there', async () => {
    const id = await live.running();
    const terminalId = randomUUID() as TerminalId;
    const told = () => live.agentOf(id).viewers.map(({ mayType }) => mayType);
    const reader = await live.open(id, { as: 'reader' });
    reader.send('terminal', { action: 'attach', terminalId });
    await vi.waitFor(() => expect(told()).toEqual([false]), patience);
    const owner = await live.open(id);
    owner.send('terminal', { action: 'attach', terminalId });
    await vi.waitFor(() => expect(told()).toEqual([false, true]), patience);
    reader.ws.close();
    owner.ws.close();
  });

  test('input is never dropped: a paste of many megabytes is typed whole and in order', async () => {
    const id = await live.running();
    const viewer = await live.open(id);
    const terminalId = randomUUID() as TerminalId;
    const bytes = new Uint8Array(16 * 1024);
    const count = 640;
    for (let position = 1; position <= count; position += 1)
      viewer.ws.send(encodeTerminalFrame({ kind: frameKind.input, terminalId, position, bytes }));
    await vi.waitFor(() => expect(viewer.frames).toHaveLength(count), patience);
    expect(viewer.frames.map((frame) => frame.readUInt32BE(21))).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    );
    expect(viewer.of('error')).toEqual([]);
    viewer.ws.close();
  });

  test('typing in ever new terminals does not flood the audit log', async () => {
    const id = await live.running();
    const viewer = await live.open(id);
    for (let n = 0; n < 500; n += 1) {
      const terminalId = randomUUID() as TerminalId;
      viewer.ws.send(encodeTerminalFrame({ kind: frameKind.input, terminalId, position: 1, bytes: Uint8Array.of(97) }));
    }
    viewer.send('ping', {}, 'after');
    await vi.waitFor(() => expect(viewer.messages.some((message) => message.id === 'after')).toBe(true), patience);
    const rows = await live.house.database.db
      .selectFrom('audit_logs')
      .selectAll()
      .where('session_id', '=', id)
      .where('action', '=', 'terminal.write')
      .execute();
    expect(rows.length).toBeLessThan(100);
    expect(viewer.of('error').length).toBeGreaterThan(300);
    viewer.ws.close();
  });

  test('a flood is limited and the socket stays', async () => {
    const id = await live.running();
    const viewer = await live.open(id);
    for (let times = 0; times < 1_500; times += 1) viewer.send('ping', {}, `p${times}`);
    await vi.waitFor(() => expect(viewer.messages).toHaveLength(1_500), patience);
    expect(viewer.of('error').length).toBeGreaterThan(500);
    expect(viewer.of('error').every(({ payload }) => payload.code === 'rate_limited')).toBe(true);
    expect(viewer.closed()).toBeNull();
    viewer.ws.close();
  });
});

describe('too many', () => {
  test('connections of one person are refused with the reason, and room that is made is used', async () => {
    const id = await live.running();
    const free = 40 - live.hub.count();
    const open = await Promise.all(Array.from({ length: free }, () => live.open(id)));
    const more = await live.open(id);
    await vi.waitFor(() => expect(more.closed()?.code).toBe(4429), patience);
    expect(more.closed()?.reason).toContain('connections open');
    const [first] = open;
    first?.ws.close();
    await vi.waitFor(() => expect(live.hub.count()).toBe(39), patience);
    const again = await live.open(id);
    again.send('ping', {}, 'p');
    await vi.waitFor(() => expect(again.of('pong')).toHaveLength(1), patience);
    expect(open.slice(1).every((viewer) => viewer.closed() === null)).toBe(true);
    for (const viewer of [...open, again]) viewer.ws.terminate();
    await vi.waitFor(() => expect(live.hub.count()).toBe(0), patience);
  });

  test('first loads of one viewer are limited more than other messages', async () => {
    const id = await live.running();
    const viewer = await live.open(id);
    for (let n = 0; n < 100; n += 1) viewer.subscribe();
    viewer.send('ping', {}, 'after');
    // The last may be refused or not, as time passes.
    const answers = () => viewer.messages.filter(({ id: of, type }) => of !== 'after' && /^(error|hello)$/.test(type));
    await vi.waitFor(() => expect(answers()).toHaveLength(100), patience);
    expect(viewer.of('hello').length).toBeLessThan(40);
    viewer.ws.terminate();
  });
});

describe('ends', () => {
  test('a sign-in that ends takes its sockets with it', async () => {
    const id = await live.running();
    const viewer = await live.subscribed(id);
    live.revoke();
    await vi.waitFor(() => expect(viewer.closed()?.code).toBe(4401), patience);
  });

  test('nothing that waits is done for one who is taken out, be their end ever so silent', async () => {
    const id = await live.running();
    const viewer = await live.open(id, { as: 'editor' });
    const typing = (terminalId: string) =>
      viewer.ws.send(
        encodeTerminalFrame({
          kind: frameKind.input,
          terminalId: terminalId as TerminalId,
          position: 1,
          bytes: Uint8Array.of(97),
        }),
      );
    const line = await new Promise<{ readyState: number; CLOSED: number }>((resolve) => {
      // The room has a line of its own, too.
      live.hooks.onLive = (_agent, { type }, opened) => void (type === 'file' && resolve(opened));
      viewer.send('file', { action: 'list', path: '' });
    });
    let letGo = (): void => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    let entered = 0;
    live.hooks.beforeAct = () => {
      entered += 1;
      return gate;
    };
    const [first, second] = [randomUUID(), randomUUID()];
    for (const terminalId of [first, second]) typing(terminalId);
    viewer.send('claude', { prompt: 'first' }, first);
    viewer.send('claude', { prompt: 'second' }, second);
    await vi.waitFor(() => expect(entered).toBe(2), patience);
    // It never answers the close.
    viewer.ws.pause();
    live.become('stranger');
    await vi.waitFor(() => expect(line.readyState).toBe(line.CLOSED), patience);
    letGo();
    const said = async () => (await live.house.commands.pending(id, 0, 9)).map(({ command }) => command.id);
    await vi.waitFor(async () => expect(await said()).toEqual([first]), patience);
    live.hooks.beforeAct = async () => {};
    const owner = await live.open(id);
    const third = owner.send('claude', { prompt: 'third' }, randomUUID());
    await vi.waitFor(async () => expect(await said()).toEqual([first, third]), patience);
    const { db } = live.house.database;
    const audits = await db.selectFrom('audit_logs').select('action').where('session_id', '=', id).execute();
    expect(audits.filter(({ action }) => action === 'terminal.write')).toHaveLength(1);
    viewer.ws.resume();
    await vi.waitFor(() => expect(viewer.closed()?.code).toBe(4404), patience);
    live.hooks.onLive = () => {};
    owner.ws.close();
  });

  test('a session that does not exist closes the socket with its reason', async () => {
    const viewer = await live.open(randomUUID());
    await vi.waitFor(() => expect(viewer.closed()).not.toBeNull(), patience);
  });

  test('summaries tell a session’s owner what changed', async () => {
    const { bus, clock, sessions } = live.house;
    const summaries = createSummaries({
      bus,
      clock,
      read: sessions.get,
      readers: async () => [live.person.actor.userId],
      everyMs: 20,
    });
    const seen: string[] = [];
    const stop = summaries.subscribe(live.person.actor.userId, (session) => seen.push(session.name));
    const id = await live.running();
    await live.house.sessions.setup.change(id, live.person, { name: 'Renamed' });
    await vi.waitFor(() => expect(seen).toContain('Renamed'), patience);
    stop();
    summaries.close();
  });

  test('at a drain everyone is told when to come back', async () => {
    const id = await live.running();
    const viewer = await live.subscribed(id);
    live.hub.drain();
    await vi.waitFor(() => expect(viewer.closed()?.code).toBe(1012), patience);
    expect(viewer.of('going-away')).toHaveLength(1);
    expect(Number(viewer.closed()?.reason)).toBe(viewer.of('going-away')[0]?.payload.retryAfterMs);
  });
});
