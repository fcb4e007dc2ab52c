// What viewers are told over real sockets: what is durable, what passes, and who lags.

import { randomUUID } from 'node:crypto';
import {
  encodeTerminalFrame,
  frameKind,
  initialSessionState,
  reduceSession,
  type NumberedEvent,
  type ServerMessage,
  type TerminalId,
  type TurnId,
} from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { createLiveHouse, numbers, patience, type LiveHouse } from '../../testing/live-house.js';

let live: LiveHouse;
beforeAll(async () => {
  live = await createLiveHouse();
});
afterAll(() => live.close());

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
describe('events', () => {
  test('a first load has the state and the last events; what comes later follows, once and in order', async () => {
    const id = await live.running();
    const viewer = await live.subscribed(id);
    const hello = viewer.of('hello')[0]?.payload;
    expect(hello).toMatchObject({ first: 1, state: { place: { status: 'running' } } });
    expect(hello?.events.at(-1)?.seq).toBe(hello?.head);
    for (let n = 1; n <= 20; n += 1) live.agentOf(id).propose(text(n));
    const { head } = await vi.waitFor(async () => {
      const now = await live.house.events.head(id);
      expect(numbers(viewer).at(-1)).toBe(now.head);
      expect(live.agentOf(id).unacknowledged()).toBe(0);
      return now;
    }, patience);
    expect(numbers(viewer)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    viewer.ws.close();
  });

  test('a viewer whose line is cut comes back with its number and has every event once', async () => {
    const id = await live.running();
    const agent = live.agentOf(id);
    const all: NumberedEvent[] = [];
    let viewer = await live.subscribed(id);
    const epoch = viewer.of('hello')[0]?.payload.epoch ?? '';
    for (let n = 1; n <= 240; n += 1) {
      agent.propose(text(n));
      if (n % 40 === 0) {
        viewer.ws.terminate();
        all.push(...viewer.told());
        viewer = await live.subscribed(id, { epoch, after: all.at(-1)?.seq ?? 0 });
        expect(viewer.of('hello')[0]?.payload.events).toEqual([]);
      }
    }
    await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    const { head, state } = await live.house.events.head(id);
    await vi.waitFor(() => expect([...all, ...viewer.told()].at(-1)?.seq).toBe(head), patience);
    all.push(...viewer.told());
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    expect(all.reduce(reduceSession, initialSessionState)).toEqual(state);
    viewer.ws.close();
  });

  test('another epoch, or a number that is not there yet, is a first load', async () => {
    const id = await live.running();
    for (const cursor of [{ epoch: 'another', after: 1 }, { after: 10_000 }]) {
      const viewer = await live.subscribed(id, cursor);
      expect(viewer.of('hello')[0]?.payload.events.length).toBeGreaterThan(0);
      viewer.ws.close();
    }
  });

  test('a viewer that does not read costs at most so much, and has every event once when it reads again', async () => {
    const id = await live.running();
    const agent = live.agentOf(id);
    const slow = await live.subscribed(id);
    const quick = await live.subscribed(id);
    slow.ws.pause();
    const count = 2_400;
    for (let n = 1; n <= count; n += 1) {
      agent.propose(text(n, `${n} ${'x'.repeat(11_000)}`));
      if (n % 100 === 0) await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    }
    const { head } = await live.house.events.head(id);
    await vi.waitFor(() => expect(numbers(quick).at(-1)).toBe(head), patience);
    expect(slow.closed()).toBeNull();
    slow.ws.resume();
    await vi.waitFor(() => expect(numbers(slow).at(-1)).toBe(head), patience);
    expect(numbers(slow)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    slow.ws.close();
    quick.ws.close();
  }, 60_000);
});

describe('large events', () => {
  /** Its JSON has about 60 KiB. */
  const heavy = (n: number) => text(n, `${n} ${'\u0001'.repeat(10_000)}`);
  const maxMessageBytes = 400 * 1024;
  let id: string;
  const count = 200;
  beforeAll(async () => {
    id = await live.running();
    for (let n = 1; n <= count; n += 1) {
      live.agentOf(id).propose(heavy(n));
      if (n % 20 === 0) await vi.waitFor(() => expect(live.agentOf(id).unacknowledged()).toBe(0), patience);
    }
  }, 60_000);

  test('come in messages that a slow line can carry, and all of them come', async () => {
    const { head } = await live.house.events.head(id);
    const viewer = await live.open(id);
    const sizes: number[] = [];
    viewer.ws.on('message', (data) => sizes.push((data as Buffer).length));
    viewer.subscribe({ after: 0 });
    await vi.waitFor(() => expect(numbers(viewer).at(-1)).toBe(head), patience);
    expect(numbers(viewer)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    expect(Math.max(...sizes)).toBeLessThan(maxMessageBytes);
    expect(viewer.closed()).toBeNull();
    viewer.ws.close();
    const first = await live.subscribed(id);
    expect(first.told().at(-1)?.seq).toBe(head);
    expect(first.told().length).toBeLessThan(10);
    first.ws.close();
  }, 60_000);

  test('are read in pieces over HTTP too, each with the way to the next', async () => {
    const { head } = await live.house.events.head(id);
    const seen: number[] = [];
    let readings = 0;
    for (let after: number | undefined = 0; after !== undefined; readings += 1) {
      const page = await live.claude.history(id, { after, limit: 500 });
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(1.2 * 1024 * 1024);
      seen.push(...page.items.map(({ seq }) => seq));
      after = page.nextCursor === null ? undefined : Number(page.nextCursor);
    }
    expect(seen).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    expect(readings).toBeGreaterThan(8);
    const older = await live.claude.history(id, { before: 101, limit: 100 });
    expect(older.items.at(-1)?.seq).toBe(100);
    expect(older.items.length).toBeLessThan(30);
  });
});

describe('an agent that says too much', () => {
  test('is read no faster than it may speak, loses nothing by it, and holds nobody else up', async () => {
    const [id, other] = [await live.running(), await live.running()];
    const viewer = await live.subscribed(id);
    const neighbour = await live.subscribed(other);
    await vi.waitFor(() => expect(viewer.of('place').some(({ payload }) => payload.reachable)).toBe(true), patience);
    const count = 6_000;
    const startedMs = performance.now();
    for (let n = 0; n < count; n += 1)
      live.agentOf(id).tell({ id: '', type: 'notice', payload: { kind: 'info', text: String(n) } });
    const asked = neighbour.send('ping', {});
    await vi.waitFor(() => expect(neighbour.of('pong').map((message) => message.id)).toEqual([asked]), patience);
    await vi.waitFor(() => expect(viewer.of('notice')).toHaveLength(count), patience);
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
    for (const one of [viewer, neighbour]) one.ws.close();
  });

  test('is cut off where no honest one would say it', async () => {
    const id = await live.running();
    const viewer = await live.subscribed(id);
    await vi.waitFor(() => expect(viewer.of('place').at(-1)?.payload.reachable).toBe(true), patience);
    for (let n = 0; n < 100_000; n += 1) live.agentOf(id).tellBytes(new Uint8Array(0));
    await vi.waitFor(() => expect(viewer.of('place').at(-1)?.payload.reachable).toBe(false), patience);
    expect(viewer.closed()).toBeNull();
    viewer.ws.close();
  });

  test('on its control line waits while the store is behind, and is heard whole afterwards', async () => {
    const id = await live.running();
    const agent = live.agentOf(id);
    const neighbour = live.agentOf(await live.running());
    const { database, events } = live.house;
    await database.transaction(async (trx) => {
      await events.lock(trx, id);
      for (let n = 1; n <= 1_500; n += 1) agent.propose(text(n, 'x'.repeat(11_000)));
      // A neighbour is heard meanwhile; the rest stays on this one's side for as long as nothing can be stored.
      for (let n = 1; n <= 500; n += 1) neighbour.propose(text(n, 'x'.repeat(11_000)));
      await vi.waitFor(() => expect(neighbour.unacknowledged()).toBe(0), patience);
      expect(agent.waitingBytes()).toBeGreaterThan(0);
    });
    await vi.waitFor(() => expect(agent.unacknowledged()).toBe(0), patience);
    expect(agent.rejected).toEqual([]);
  }, 60_000);

  test('that is not understood is cut off', async () => {
    const id = await live.running();
    for (let n = 0; n < 200; n += 1) live.agentOf(id).sayRaw('{"type":"noise"}');
    await vi.waitFor(() => expect(live.agentOf(id).isLinked()).toBe(false), patience);
  });
});

describe('what passes', () => {
  test('open blocks stream, a late viewer gets what there is, and the final event ends them', async () => {
    const id = await live.running();
    const agent = live.agentOf(id);
    const early = await live.subscribed(id);
    await vi.waitFor(() => expect(early.of('place').some(({ payload }) => payload.reachable)).toBe(true), patience);
    agent.tell(delta('b:1', 0, 'Hello'));
    agent.tell(delta('b:1', 5, ', world'));
    await vi.waitFor(
      () =>
        expect(
          early
            .of('claude-stream')
            .map(({ payload }) => payload.content)
            .join(''),
        ).toBe('Hello, world'),
      patience,
    );
    const late = await live.subscribed(id);
    expect(late.of('hello')[0]?.payload.open).toMatchObject([{ blockId: 'b:1', text: 'Hello, world' }]);
    agent.propose(text(1, 'Hello, world'));
    await vi.waitFor(() => expect(late.told().at(-1)?.event.type).toBe('text'), patience);
    // It was on its way when the block became final.
    agent.tell(delta('b:1', 12, '!'));
    agent.tell({ id: '', type: 'notice', payload: { kind: 'info', text: 'after' } });
    await vi.waitFor(() => expect(late.of('notice')).toHaveLength(1), patience);
    expect(late.of('claude-stream')).toEqual([]);
    const later = await live.subscribed(id);
    expect(later.of('hello')[0]?.payload.open).toEqual([]);
    for (const viewer of [early, late, later]) viewer.ws.close();
  });

  test('an agent cannot speak for the server: neither on the shared line nor on a viewer’s own', async () => {
    const id = await live.running();
    const agent = live.agentOf(id);
    const viewer = await live.subscribed(id);
    await vi.waitFor(() => expect(viewer.of('place').some(({ payload }) => payload.reachable)).toBe(true), patience);
    const hello = viewer.of('hello').length;
    live.hooks.onLive = (_agent, message, line) => {
      if (message.type !== 'file') return;
      const forged = { ...viewer.of('hello')[0], id: message.id };
      line.send(JSON.stringify(forged));
      line.send(
        JSON.stringify({
          id: message.id,
          type: 'events',
          payload: { events: [{ seq: 1, at: new Date().toISOString(), event: text(9) }] },
        }),
      );
      line.send(JSON.stringify({ id: message.id, type: 'going-away', payload: { retryAfterMs: 1 } }));
      line.send('{noise');
      line.send(
        JSON.stringify({ id: message.id, type: 'file-result', payload: { success: true, data: { nodes: [] } } }),
      );
    };
    agent.tell({ id: '', type: 'going-away', payload: { retryAfterMs: 1 } });
    const asked = viewer.send('file', { action: 'list', path: '' });
    await vi.waitFor(() => expect(viewer.of('file-result').map((message) => message.id)).toEqual([asked]), patience);
    expect(viewer.of('hello')).toHaveLength(hello);
    expect(viewer.of('going-away')).toEqual([]);
    expect(viewer.told().filter(({ event }) => event.type === 'text')).toEqual([]);
    live.hooks.onLive = () => {};
    viewer.ws.close();
  });

  test('terminal bytes pass both ways unread; what asked for an answer gets one when the line breaks', async () => {
    const id = await live.running();
    const agent = live.agentOf(id);
    const viewer = await live.subscribed(id);
    const terminalId = randomUUID() as TerminalId;
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    viewer.send('terminal', { action: 'create', terminalId, cols: 80, rows: 24 });
    viewer.ws.send(encodeTerminalFrame({ kind: frameKind.input, terminalId, position: 1, bytes }));
    await vi.waitFor(() => expect(viewer.frames).toHaveLength(1), patience);
    expect(viewer.frames[0]).toEqual(
      Buffer.from(encodeTerminalFrame({ kind: frameKind.output, terminalId, position: 1, bytes })),
    );
    const asked = viewer.send('execute', { command: 'sleep 100' });
    await new Promise<void>((resolve) => {
      live.hooks.onLive = (_agent, message) => message.type === 'execute' && resolve();
    });
    agent.cut();
    await vi.waitFor(
      () =>
        expect(viewer.of('error').map((message) => [message.id, message.payload.code])).toEqual([
          [asked, 'place_unreachable'],
        ]),
      patience,
    );
    await vi.waitFor(() => expect(viewer.of('place').at(-1)?.payload.reachable).toBe(true), patience);
    live.hooks.onLive = () => {};
    viewer.ws.close();
  });
});
