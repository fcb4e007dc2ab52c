import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  decodeTerminalFrame,
  encodeTerminalFrame,
  frameKind,
  serverMessage,
  type BlockId,
  type OpenBlock,
  type ServerMessage,
  type TerminalId,
  type TurnId,
} from '@remote-claude/contract';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { createExecute, type Execute } from '../execute/index.js';
import { createFiles, type Files } from '../files/index.js';
import type { LivePart } from '../parts.js';
import { createTerminals, type Terminals } from '../terminal/index.js';
import { createLive } from './index.js';

let base = '';
let files: Files;
let terminals: Terminals;
let execute: Execute;
let live: LivePart;
let server: Server;
let sockets: WebSocketServer;
let listeners: Set<(message: ServerMessage) => void>;
let openBlocks: OpenBlock[];
let clients: WebSocket[];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'live-'));
  const workspace = join(base, 'tree');
  const stateDir = join(base, 'state');
  const env = { PATH: '/usr/bin:/bin', PS1: '$ ', HISTFILE: '' };
  const log = () => {};
  files = await createFiles({ workspace, stateDir, log });
  terminals = await createTerminals({ workspace, stateDir, env, shell: '/bin/bash', propose: async () => {}, log });
  execute = createExecute({ tree: files.tree, env, log });
  listeners = new Set();
  openBlocks = [];
  clients = [];
  const chat = {
    subscribe: (listener: (message: ServerMessage) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    openBlocks: () => openBlocks,
  };
  live = createLive({ terminals, files, execute, chat, log });
  server = createServer();
  sockets = new WebSocketServer({ server, maxPayload: 4 * 1024 * 1024 });
  sockets.on('connection', (socket, { url }) => live.accept(socket, new URL(url ?? '/', 'http://agent')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  for (const client of clients) client.terminate();
  await live.close();
  sockets.close();
  await new Promise((resolve) => server.close(resolve));
  await terminals.close();
  await execute.close();
  await files.close();
  await rm(base, { recursive: true, force: true });
});

/** A person's id: the same for the same name. */
const idOf = (name: string): string =>
  `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').padStart(12, '0').slice(-12)}`;

const connect = async (name?: string) => {
  const viewer = new URLSearchParams({
    viewer: name === undefined ? '' : JSON.stringify({ userId: idOf(name), name }),
  });
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/?${viewer}`);
  clients.push(socket);
  const client = {
    socket,
    messages: [] as ServerMessage[],
    output: Buffer.alloc(0),
    closed: 0,
    send: (id: string, type: string, payload: unknown) => socket.send(JSON.stringify({ id, type, payload })),
    /** The answer that bears this id. */
    answer: (id: string, type?: string): Promise<ServerMessage> =>
      vi.waitFor(
        () => {
          const found = client.messages.find(
            (message) => message.id === id && (type === undefined || message.type === type),
          );
          expect(found, `no answer to ${id}`).toBeDefined();
          return found!;
        },
        { timeout: 20_000, interval: 5 },
      ),
    ask: (id: string, type: string, payload: unknown): Promise<ServerMessage> => {
      client.send(id, type, payload);
      return client.answer(id);
    },
  };
  socket.on('message', (data: Buffer, binary) => {
    if (!binary) {
      client.messages.push(serverMessage.parse(JSON.parse(data.toString())));
      return;
    }
    const frame = decodeTerminalFrame(data)!;
    client.output = Buffer.concat([client.output, frame.bytes]);
    client.send('a', 'terminal', {
      action: 'ack',
      terminalId: frame.terminalId,
      offset: frame.position + frame.bytes.length,
    });
  });
  socket.on('close', (code) => (client.closed = code));
  await new Promise((resolve) => socket.once('open', resolve));
  return client;
};
const until = (condition: () => unknown): Promise<unknown> =>
  vi.waitFor(() => expect(condition()).toBeTruthy(), { timeout: 20_000, interval: 10 });
const input = (terminalId: TerminalId, position: number, text: string): Uint8Array =>
  encodeTerminalFrame({ kind: frameKind.input, terminalId, position, bytes: Buffer.from(text) });

test('bad input is answered with an error and its id, and after ten the socket is closed', async () => {
  const client = await connect();
  const bad: (string | Buffer)[] = [
    '{',
    'null',
    '[]',
    '{"id":"x1","type":"nonsense","payload":{}}',
    '{"id":"x2","type":"claude","payload":{"prompt":"not here"}}',
    '{"id":"x3","type":"terminal","payload":{"action":"create","terminalId":"no","cols":1,"rows":0}}',
    '{"id":"x4","type":"file","payload":{"action":"read","path":"../x"}}',
    randomBytes(300),
    Buffer.alloc(0),
  ];
  for (const frame of bad) client.socket.send(frame, { binary: Buffer.isBuffer(frame) });
  await until(() => client.messages.length === bad.length);
  expect(new Set(client.messages.map((message) => message.type))).toEqual(new Set(['error']));
  expect(client.messages.map((message) => (message.payload as { code: string }).code)).toEqual(
    bad.map(() => 'validation_failed'),
  );
  for (const id of ['x1', 'x2', 'x3', 'x4']) expect(await client.answer(id)).toMatchObject({ type: 'error' });
  expect(await client.ask('p', 'ping', {})).toMatchObject({ type: 'pong' });
  client.socket.send('{');
  await until(() => client.closed === 4400);
});

test('a frame that is too large closes the socket, and no other', async () => {
  const [large, other] = [await connect(), await connect()];
  large.socket.send(Buffer.alloc(2 * 1024 * 1024 + 1), { binary: true });
  await until(() => large.closed === 4413);
  expect(await other.ask('p', 'ping', {})).toMatchObject({ type: 'pong' });
});

const acksOf = (messages: readonly ServerMessage[]): number[] =>
  messages.filter((message) => message.type === 'terminal-ack').map(({ payload }) => payload.input);

test('input is acknowledged for many keys at a time, and at once where much is typed', async () => {
  const client = await connect();
  const id = randomUUID() as TerminalId;
  await client.ask('c', 'terminal', { action: 'create', terminalId: id, cols: 80, rows: 24 });
  client.socket.send(input(id, 1, 'stty raw -echo; echo rea""dy; head -c 200100 | wc -c\r'));
  await until(() => client.output.includes('ready'));
  await until(() => acksOf(client.messages).at(-1) === 1);
  const before = acksOf(client.messages).length;
  for (let key = 2; key < 102; key += 1) client.socket.send(input(id, key, 'k'));
  await until(() => acksOf(client.messages).at(-1) === 101);
  // A hundred keys may take more than one such moment; not a hundred of them.
  expect(acksOf(client.messages).length - before).toBeLessThan(50);
  for (let piece = 102; piece < 122; piece += 1) client.socket.send(input(id, piece, 'p'.repeat(10_000)));
  await until(() => client.output.includes('200100'));
  await until(() => acksOf(client.messages).at(-1) === 121);
  const acks = acksOf(client.messages);
  expect(acks).toEqual(acks.toSorted((a, b) => a - b));
});

test('credit that comes in a burst is all taken', async () => {
  const client = await connect();
  const id = randomUUID() as TerminalId;
  await client.ask('c', 'terminal', { action: 'create', terminalId: id, cols: 80, rows: 24 });
  for (let offset = 1; offset <= 1_000; offset += 1)
    client.send('a', 'terminal', { action: 'ack', terminalId: id, offset });
  await client.ask('p', 'ping', {});
  expect(client.messages.filter(({ type }) => type === 'error')).toEqual([]);
});

test('a terminal by frames: typed once, acknowledged, shown to all who look', async () => {
  const [one, two] = [await connect(), await connect()];
  const id = randomUUID() as TerminalId;
  expect(await one.ask('c', 'terminal', { action: 'create', terminalId: id, cols: 80, rows: 24 })).toMatchObject({
    payload: { success: true },
  });
  expect(await two.ask('t', 'terminal', { action: 'attach', terminalId: id, after: 0 })).toMatchObject({
    payload: { success: true },
  });
  for (const position of [1, 1, 1]) one.socket.send(input(id, position, 'echo once""only\r'));
  await until(() => two.output.includes('onceonly'));
  one.socket.send(input(id, 2, 'echo se""cond\r'));
  await until(() => two.output.includes('second') && one.output.includes('second'));
  expect(two.output.toString().split('onceonly')).toHaveLength(2);
  await until(() => acksOf(one.messages).at(-1) === 2);
  expect(await one.ask('r', 'terminal', { action: 'resize', terminalId: id, cols: 90, rows: 30 })).toMatchObject({
    payload: { success: true },
  });
  await until(() => two.messages.some((message) => message.type === 'terminal-resized' && message.payload.cols === 90));
  expect(await one.ask('n', 'terminal', { action: 'attach', terminalId: randomUUID() })).toMatchObject({
    payload: { success: false, error: { code: 'not_found' } },
  });
  one.socket.send(input(randomUUID() as TerminalId, 1, 'x'));
  expect(await one.answer('', 'error')).toMatchObject({ payload: { code: 'not_found' } });
  one.socket.terminate();
  two.send('w', 'terminal', { action: 'write', terminalId: id, data: 'echo st""ill\r' });
  await until(() => two.output.includes('still'));
  expect(await two.ask('d', 'terminal', { action: 'destroy', terminalId: id })).toMatchObject({
    payload: { success: true },
  });
  expect(terminals.list()).toEqual([]);
});

test('one person types, in all windows of theirs, until another takes it', async () => {
  const [ada, adaToo, bob] = [await connect('Ada'), await connect('Ada'), await connect('Bob')];
  const id = randomUUID() as TerminalId;
  await ada.ask('c', 'terminal', { action: 'create', terminalId: id, cols: 80, rows: 24 });
  for (const client of [adaToo, bob]) await client.ask('t', 'terminal', { action: 'attach', terminalId: id });
  const writersSeen = (client: typeof ada): (string | null)[] =>
    client.messages
      .filter((message) => message.type === 'terminal-writer')
      .map(({ payload }) => payload.writer?.name ?? null);
  ada.socket.send(input(id, 1, 'echo on""e\r'));
  adaToo.socket.send(input(id, 1, 'echo tw""o\r'));
  await until(() => bob.output.includes('one') && bob.output.includes('two'));
  expect(writersSeen(bob)).toEqual(['Ada']);

  bob.socket.send(input(id, 1, 'echo zebra\r'));
  expect(await bob.answer('', 'error')).toMatchObject({
    payload: { code: 'conflict', message: expect.stringContaining('Ada types in this terminal') },
  });
  await bob.ask('r', 'terminal', { action: 'resize', terminalId: id, cols: 40, rows: 10 });
  expect(terminals.list()).toMatchObject([{ cols: 80 }]);

  expect(await bob.ask('k', 'terminal', { action: 'take', terminalId: id })).toMatchObject({
    payload: { success: true },
  });
  await until(() => [ada, adaToo].every((client) => writersSeen(client).at(-1) === 'Bob'));
  expect(await ada.ask('w', 'terminal', { action: 'write', terminalId: id, data: 'x' })).toMatchObject({
    payload: { success: false, error: { code: 'conflict' } },
  });
  await bob.ask('s', 'terminal', { action: 'resize', terminalId: id, cols: 40, rows: 10 });
  bob.socket.send(input(id, 2, 'echo thr""ee\r'));
  await until(() => ada.output.includes('three'));
  expect(terminals.list()).toMatchObject([{ cols: 40 }]);
  expect(ada.output.toString()).not.toContain('zebra');

  // Who does not look any more does not keep it.
  bob.socket.terminate();
  await until(() => writersSeen(ada).at(-1) === null);
  ada.socket.send(input(id, 2, 'echo fo""ur\r'));
  await until(() => adaToo.output.includes('four'));
  expect(writersSeen(adaToo)).toEqual(['Ada', 'Bob', null, 'Ada']);
  const late = await connect('Cyd');
  await late.ask('t', 'terminal', { action: 'attach', terminalId: id });
  expect(writersSeen(late)).toEqual(['Ada']);
});

test('files by message, and what changes on disk', async () => {
  const client = await connect();
  expect(await client.ask('s', 'stream', { action: 'subscribe', of: 'files' })).toMatchObject({
    type: 'files-changed',
    payload: { changes: [], overflow: true },
  });
  const written = await client.ask('w', 'file', { action: 'write', path: 'a.txt', content: 'hello ü', ifMatch: null });
  expect(written).toMatchObject({ payload: { success: true, data: { node: { path: 'a.txt' } } } });
  expect(await client.ask('w2', 'file', { action: 'write', path: 'a.txt', content: 'x', ifMatch: null })).toMatchObject(
    { payload: { success: false, error: { code: 'edit_conflict' } } },
  );
  await until(() =>
    client.messages.some(
      (message) => message.type === 'files-changed' && message.payload.changes.some(({ path }) => path === 'a.txt'),
    ),
  );
  expect(await client.ask('r', 'file', { action: 'read', path: 'a.txt' })).toMatchObject({
    payload: { data: { content: 'hello ü', encoding: 'utf8' } },
  });
  await writeFile(join(base, 'tree/bin'), Buffer.from([0xff, 0xfe, 0]));
  expect(await client.ask('b', 'file', { action: 'read', path: 'bin' })).toMatchObject({
    payload: { data: { content: '//4A', encoding: 'base64' } },
  });
  await writeFile(join(base, 'tree/controls'), Buffer.alloc(1024 * 1024, 1));
  const controls = await client.ask('k', 'file', { action: 'read', path: 'controls' });
  expect(controls).toMatchObject({ payload: { data: { encoding: 'base64' } } });
  await writeFile(join(base, 'tree/big'), Buffer.alloc(1024 * 1024 + 1));
  expect(await client.ask('g', 'file', { action: 'read', path: 'big' })).toMatchObject({
    payload: { error: { code: 'payload_too_large' } },
  });
  expect(await client.ask('d', 'file', { action: 'delete', path: 'a.txt' })).toMatchObject({
    payload: { success: true },
  });
  await expect(readFile(join(base, 'tree/a.txt'))).rejects.toThrow('ENOENT');
});

test('execute: the result to who asked, output to who follows, ended with its socket', async () => {
  const [asker, follower] = [await connect(), await connect()];
  asker.send('s', 'stream', { action: 'subscribe', of: 'execute' });
  follower.send('s', 'stream', { action: 'subscribe', of: 'execute' });
  await follower.ask('p', 'ping', {});
  expect(await asker.ask('e', 'execute', { command: 'echo out; exit 3' })).toMatchObject({
    type: 'stream',
    payload: { channel: 'stdout', data: 'out\n', offset: 0 },
  });
  expect(await asker.answer('e', 'execute-result')).toMatchObject({ payload: { stdout: 'out\n', exitCode: 3 } });
  expect(await follower.answer('', 'stream')).toMatchObject({ payload: { data: 'out\n' } });
  asker.send('l', 'execute', { command: 'echo $$ > pid; sleep 100' });
  await until(() => execute.idleMs() === 0);
  asker.socket.terminate();
  await until(() => execute.idleMs() > 0);
});

test('the chat’s messages; one that does not keep up gets the blocks as they are then', async () => {
  const client = await connect();
  const block = (name: string, text: string): OpenBlock => ({
    turnId: randomUUID() as TurnId,
    blockId: name as BlockId,
    kind: 'text',
    tool: null,
    parentToolUseId: null,
    text,
  });
  openBlocks = [block('b1', 'so far')];
  expect(await client.ask('s', 'stream', { action: 'subscribe', of: 'events' })).toMatchObject({
    type: 'open-block',
    payload: { text: 'so far' },
  });
  const delta = (blockId: string, offset: number, content: string): ServerMessage => ({
    id: '',
    type: 'claude-stream',
    payload: {
      turnId: openBlocks[0]!.turnId,
      blockId: blockId as BlockId,
      type: 'text',
      tool: null,
      parentToolUseId: null,
      offset,
      content,
    },
  });
  const emit = (message: ServerMessage): void => listeners.forEach((listener) => listener(message));
  emit(delta('b1', 6, ' good'));
  await until(() => client.messages.some((message) => message.type === 'claude-stream'));
  client.socket.pause();
  const filler = 'x'.repeat(500_000);
  for (let index = 0; index < 60; index += 1) emit(delta('b1', 11 + index * filler.length, filler));
  openBlocks = [block('b2', 'another')];
  client.socket.resume();
  await until(() =>
    client.messages.some((message) => message.type === 'open-block' && message.payload.blockId === 'b2'),
  );
  const deltas = client.messages.filter((message) => message.type === 'claude-stream').length;
  expect(deltas).toBeLessThan(61);
  expect(client.messages.some((message) => message.type === 'block-dropped' && message.payload.blockId === 'b1')).toBe(
    true,
  );
  client.send('u', 'stream', { action: 'unsubscribe', of: 'events' });
  await until(() => listeners.size === 0);
});

test('closing tells everyone to come back', async () => {
  const client = await connect();
  await live.close();
  await vi.waitFor(() => expect(client.closed).toBe(1012), { timeout: 20_000 });
});
