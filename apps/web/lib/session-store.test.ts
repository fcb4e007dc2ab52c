import { beforeEach, describe, expect, it } from 'vitest';
import {
  initialSessionState,
  type ClientMessage,
  type NumberedEvent,
  type ServerMessage,
} from '@remote-claude/contract';

import type { Command } from './outbox';
import { createSessionStore } from './session-store';

const at = '2026-01-01T00:00:00.000Z';
const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const by = { userId: id(1), name: 'Ada' };
const prompt = (n: number): Command => ({ id: id(n), type: 'claude', payload: { prompt: `prompt ${n}` } }) as Command;
const userEvent = (seq: number, n: number): NumberedEvent =>
  ({
    seq,
    at,
    event: { type: 'message.user', messageId: id(n), by, text: { text: 'x', bytes: 1 }, taskId: null },
  }) as unknown as NumberedEvent;
const hello = (head: number, events: NumberedEvent[]): ServerMessage => ({
  id: 'h',
  type: 'hello',
  payload: { epoch: 'e', first: 1, head, state: initialSessionState, events, open: [], permissions: [] },
});
const accepted = (n: number): ServerMessage =>
  ({ id: id(n), type: 'accepted', payload: { commandId: id(n) } }) as ServerMessage;

/** A page's local storage, as far as the store uses it. */
const storage = new Map<string, string>();
Object.defineProperty(globalThis, 'localStorage', {
  value: {
    getItem: (key: string) => storage.get(key) ?? null,
    get length() {
      return storage.size;
    },
    key: (index: number) => [...storage.keys()][index] ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
    removeItem: (key: string) => void storage.delete(key),
  },
});

const open = (userId = 'ada') => {
  const sent: ClientMessage[] = [];
  const frames: (() => void)[] = [];
  const line = { up: true };
  const store = createSessionStore({
    userId,
    sessionId: 's',
    send: (message) => line.up && sent.push(message) > 0,
    history: (before) => Promise.resolve([userEvent(before - 2, 90), userEvent(before - 1, 91)]),
    nextFrame: (callback) => {
      frames.push(callback);
      return () => void frames.splice(frames.indexOf(callback), 1);
    },
    now: () => 0,
  });
  const paint = (): void => frames.splice(0).forEach((frame) => frame());
  const receive = (...messages: ServerMessage[]): void => {
    messages.forEach(store.receive);
    paint();
  };
  const ids = (type: ClientMessage['type']) =>
    sent.filter((message) => message.type === type).map((message) => message.id);
  return { store, sent, frames, line, paint, receive, ids, view: () => store.view.getState() };
};

beforeEach(() => storage.clear());

describe('what a person sends', () => {
  it('is sent again under the same id after each reconnection until it is accepted', () => {
    const { store, line, receive, ids } = open();
    line.up = false;
    store.dispatch(prompt(2));
    expect(ids('claude')).toEqual([]);
    line.up = true;
    store.connected();
    store.disconnected();
    store.connected();
    expect(ids('claude')).toEqual([id(2), id(2)]);
    receive(hello(0, []), accepted(2));
    store.connected();
    expect(ids('claude')).toEqual([id(2), id(2)]);
  });
  it('shows until its event comes, and survives a reload until it is accepted', () => {
    const first = open();
    first.store.dispatch(prompt(2));
    const second = open();
    expect(second.view().outbox).toMatchObject([{ command: { id: id(2) }, status: 'sending' }]);
    second.store.connected();
    second.receive(hello(0, []), accepted(2));
    expect(second.view().outbox).toMatchObject([{ status: 'accepted' }]);
    expect(open().view().outbox).toEqual([]);
    second.receive({ id: 'e', type: 'events', payload: { events: [userEvent(1, 2)] } });
    expect(second.view().outbox).toEqual([]);
  });
  it('is kept with its reason when it is refused, and can be sent again or discarded', () => {
    const { store, receive, view, ids } = open();
    store.dispatch(prompt(2));
    receive({ id: id(2), type: 'error', payload: { code: 'rate_limited', message: 'Too many.' } });
    expect(view().outbox).toMatchObject([{ status: 'failed', error: 'Too many.' }]);
    store.retry(id(2));
    expect(ids('claude')).toEqual([id(2), id(2)]);
    store.discard(id(2));
    expect(view().outbox).toEqual([]);
  });
  it('that only acts now, such as an answer, does not outlive a reload', () => {
    const { store } = open();
    store.dispatch({ id: id(3), type: 'interrupt', payload: { turnId: id(9) } } as Command);
    expect(open().view().outbox).toEqual([]);
  });
  it('found in storage by hand is taken only where it is whole', () => {
    const found = [{ command: { type: 'claude' }, at: 1 }, 7, null, { command: prompt(4), at: 1 }];
    found.forEach((value, index) => storage.set(`remote-claude.outbox.ada.s.${index}`, JSON.stringify(value)));
    expect(
      open()
        .view()
        .outbox.map(({ command }) => command.id),
    ).toEqual([id(4)]);
  });
});

describe('taking a message back', () => {
  it('that never left needs nobody, also after a reload', () => {
    const first = open();
    first.line.up = false;
    first.store.dispatch(prompt(2));
    const { store, view, ids } = open();
    store.takeBack(id(2));
    expect(view().outbox).toEqual([]);
    store.connected();
    expect([...ids('claude'), ...ids('withdraw')]).toEqual([]);
    expect(storage.size).toBe(0);
  });
  it('that the server may have tells it so, again after each loss and reload, and never sends it', () => {
    const first = open();
    first.store.dispatch(prompt(2));
    first.store.disconnected();
    first.line.up = false;
    first.store.takeBack(id(2));
    const { store, sent, ids, receive, view } = open();
    store.connected();
    expect(ids('claude')).toEqual([]);
    expect(sent.find(({ type }) => type === 'withdraw')?.payload).toEqual({ messageId: id(2) });
    const [withdrawal = ''] = ids('withdraw');
    receive({ id: withdrawal, type: 'error', payload: { code: 'conflict', message: 'Too late.' } });
    expect(view().outbox).toEqual([]);
    expect(storage.size).toBe(0);
  });
  it('in another tab takes it out of this one, unless it is stored', () => {
    const { store, view, receive } = open();
    store.dispatch(prompt(2));
    store.dispatch(prompt(3));
    store.connected();
    receive(hello(0, []), accepted(3));
    store.forget(id(2));
    store.forget(id(3));
    expect(view().outbox.map(({ command }) => command.id)).toEqual([id(3)]);
  });
});

it('keeps what one person wrote from another who uses the same browser, and one tab’s from another’s', () => {
  open().store.dispatch(prompt(2));
  const other = open();
  open().store.dispatch(prompt(3));
  other.store.dispatch(prompt(4));
  expect(open('bob').view().outbox).toEqual([]);
  expect(
    open()
      .view()
      .outbox.map(({ command }) => command.id)
      .sort(),
  ).toEqual([id(2), id(3), id(4)]);
});

it('what was refused is not sent by a reload', () => {
  const first = open();
  first.store.dispatch(prompt(2));
  first.receive({ id: id(2), type: 'error', payload: { code: 'rate_limited', message: 'Too many.' } });
  const { store, view, ids } = open();
  store.connected();
  expect(ids('claude')).toEqual([]);
  expect(view().outbox).toMatchObject([{ status: 'failed', error: 'Too many.' }]);
});

describe('following', () => {
  it('knows whether the log went on where it stopped', () => {
    const { store, receive, view } = open();
    const again = (message: ServerMessage): unknown => {
      store.disconnected();
      store.connected();
      receive(message);
      return view().resumed;
    };
    store.connected();
    receive(hello(2, [userEvent(1, 5), userEvent(2, 6)]));
    expect(view().resumed).toBeNull();
    expect(again(hello(3, []))).toBe('continued');
    expect(again(hello(9, [userEvent(8, 7), userEvent(9, 8)]))).toBe('anew');
    const restored = hello(4, [userEvent(4, 7)]) as Extract<ServerMessage, { type: 'hello' }>;
    expect(again({ ...restored, payload: { ...restored.payload, epoch: 'f' } })).toBe('restored');
  });
  it('subscribes from the last number that it has', () => {
    const { store, receive, sent } = open();
    store.connected();
    receive(hello(2, [userEvent(1, 5), userEvent(2, 6)]));
    store.connected();
    const subscriptions = sent.filter((message) => message.type === 'stream').map(({ payload }) => payload);
    expect(subscriptions).toEqual([
      { action: 'subscribe', of: 'events' },
      { action: 'subscribe', of: 'events', epoch: 'e', after: 2 },
    ]);
  });
  it('asks once for what is missing, however many messages show the gap', () => {
    const { store, receive, sent } = open();
    store.connected();
    receive(hello(1, [userEvent(1, 5)]));
    receive(
      { id: 'e', type: 'events', payload: { events: [userEvent(4, 7)] } },
      { id: 'e', type: 'events', payload: { events: [userEvent(5, 8)] } },
    );
    expect(sent.filter((message) => message.type === 'stream')).toHaveLength(2);
  });
  it('shows any number of messages in one frame', () => {
    const { store, frames, paint, view } = open();
    store.connected();
    store.receive(hello(0, []));
    store.receive({ id: 'e', type: 'events', payload: { events: [userEvent(1, 5)] } });
    store.receive({ id: 'e', type: 'events', payload: { events: [userEvent(2, 6)] } });
    expect(frames).toHaveLength(1);
    expect(view().log.loaded).toBe(false);
    paint();
    expect(view().log.events).toHaveLength(2);
    expect(view().sync).toBe('live');
  });
  it('puts older history before what it has', async () => {
    const { store, receive, view } = open();
    store.connected();
    receive(hello(9, [userEvent(9, 5)]));
    await store.loadOlder();
    expect(view().log.events.map(({ seq }) => seq)).toEqual([7, 8, 9]);
    expect(view().older).toBe('idle');
  });
});
