import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import {
  agentPaths,
  controlVersion,
  type AgentCommand,
  type AgentEvent,
  type ApprovalRule,
  type CommandId,
} from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createBlobs, type Blobs } from '../journal/blobs.js';
import { createJournal, type Journal } from '../journal/journal.js';
import { createAgentServer, type AgentServer } from '../server.js';
import { testSecret } from '../testing/agent-process.js';
import { connectControl, type ControlClient } from '../testing/control-client.js';
import { scratchFolder, until } from '../testing/scratch.js';
import { createControlLink, type ControlLink } from './control.js';

const log = (): void => undefined;
const event = (reason: string): AgentEvent => ({
  type: 'command.refused',
  commandId: randomUUID() as CommandId,
  command: 'test',
  reason,
});
const reasonsOf = (client: ControlClient): string[] =>
  client.proposed.map(({ event: one }) => (one.type === 'command.refused' ? one.reason : one.type));

let scratch: ReturnType<typeof scratchFolder>;
let journal: Journal;
let blobs: Blobs;
let link: ControlLink;
let server: AgentServer;
let socketPath: string;
let commands: AgentCommand[];
let rules: readonly ApprovalRule[];
let orphaned: number;
let clients: ControlClient[];

const connect = async (options?: { acknowledge?: boolean; storeBlobs?: boolean }): Promise<ControlClient> => {
  const client = await connectControl(socketPath, options);
  clients.push(client);
  return client;
};

beforeEach(async () => {
  scratch = scratchFolder();
  socketPath = join(scratch.path, 'agent.sock');
  commands = [];
  rules = [];
  clients = [];
  orphaned = 0;
  journal = createJournal({ dir: join(scratch.path, 'journal'), log });
  blobs = createBlobs(join(scratch.path, 'blobs'));
  link = createControlLink({
    journal,
    blobs,
    agentVersion: '0',
    onCommand: async (command) => {
      await Promise.resolve();
      commands.push(command);
    },
    idleMs: () => 5,
    onRules: (told) => (rules = told),
    onOrphaned: () => (orphaned += 1),
    orphanTimeoutMs: 300,
    log,
    activityMs: 50,
    repeatAfterMs: 1_500,
  });
  server = await createAgentServer({
    listen: { kind: 'unix', path: socketPath },
    secret: testSecret,
    http: [],
    sockets: { [agentPaths.control]: link.accept },
    log,
  });
});
afterEach(async () => {
  link.close();
  await server.close();
  await journal.close();
  scratch.remove();
});

describe('the control link', () => {
  it('sends pending blobs a few at a time, as they are stored, and events meanwhile', async () => {
    const texts = Array.from({ length: 30 }, (_, n) => `${n} ${'x'.repeat(20_000)}`);
    for (const text of texts) blobs.put(text);
    const client = await connect({ storeBlobs: false });
    await journal.append(event('between'));
    await until('the event', () => reasonsOf(client).includes('between'));
    expect(client.blobs.size).toBe(4);
    const stored = new Set<string>();
    await until('all blobs', () => {
      for (const hash of client.blobs.keys()) {
        if (!stored.has(hash)) client.send({ type: 'blob-ack', hash });
        stored.add(hash);
      }
      expect(client.blobs.size - stored.size).toBeLessThanOrEqual(4);
      return stored.size === texts.length;
    });
    expect([...client.blobs.values()].toSorted()).toEqual(texts.toSorted());
    await until('nothing pending', () => blobs.pending().length === 0);
  });

  it('tells no event before the blob that it names, and all before it', async () => {
    const texts = Array.from({ length: 6 }, (_, n) => `${n} ${'x'.repeat(20_000)}`);
    const hashes = texts.map((text) => blobs.put(text));
    await journal.append(event('before'));
    await journal.append(event(`it names ${hashes[5]}`));
    await journal.append(event('after'));
    const client = await connect({ storeBlobs: false });
    await until('four blobs and the first event', () => client.blobs.size === 4 && client.proposed.length > 0);
    await journal.append(event('later'));
    expect(reasonsOf(client)).toEqual(['before']);
    for (const hash of client.blobs.keys()) client.send({ type: 'blob-ack', hash });
    await until('all events', () => reasonsOf(client).includes('later'));
    expect(reasonsOf(client)).toHaveLength(4);
    expect(client.blobs.size).toBe(6);
  });

  it('says hello, hands commands on, and proposes what comes', async () => {
    const client = await connect();
    expect(client.hello).toMatchObject({ source: journal.source, idleMs: 5, version: controlVersion });
    const id = client.command({ type: 'interrupt' });
    await until('the command', () => commands.length === 1);
    expect(commands[0]).toEqual({ id, type: 'interrupt' });
    for (const text of ['a', 'b', 'c']) void journal.append(event(text));
    await until('the proposals', () => client.proposed.length === 3);
    expect(reasonsOf(client)).toEqual(['a', 'b', 'c']);
    await until('the acknowledgement', () => !journal.hasUnacknowledged());
  });

  it('hands on what is always allowed', async () => {
    const client = await connect();
    const told = [{ kind: 'command' as const, command: 'ls' }];
    client.send({ type: 'rules', rules: told });
    await until('the rules', () => rules.length === 1);
    expect(rules).toEqual(told);
  });

  it('sends more than one batch holds, once and in order', async () => {
    await Promise.all(Array.from({ length: 450 }, (_, index) => journal.append(event(String(index)))));
    const client = await connect();
    await until('all', () => !journal.hasUnacknowledged());
    expect(client.proposed.map(({ n }) => n)).toEqual(Array.from({ length: 450 }, (_, index) => index + 1));
  });

  it('repeats to a new link, and on the same link when nothing is acknowledged for long', async () => {
    await journal.append(event('a'));
    const deaf = await connect({ acknowledge: false });
    await until('a repeat', () => deaf.proposed.length >= 2);
    expect(new Set(reasonsOf(deaf))).toEqual(new Set(['a']));
    const next = await connect();
    await until('the acknowledgement', () => !journal.hasUnacknowledged());
    expect(reasonsOf(next)).toEqual(['a']);
  });

  it('lets the newest link win', async () => {
    const first = await connect();
    const second = await connect();
    void journal.append(event('a'));
    await until('the proposal', () => second.proposed.length === 1);
    expect(first.proposed).toEqual([]);
    expect(orphaned).toBe(0);
  });

  it('sends a blob before what names it, until it is stored', async () => {
    const hash = blobs.put('whole text') ?? '';
    const client = await connect();
    await until('the blob', () => client.blobs.get(hash) === 'whole text');
    expect(blobs.pending()).toEqual([hash]);
    client.send({ type: 'blob-ack', hash });
    await until('the end of it', () => blobs.pending().length === 0);
    const later = blobs.put('more') ?? '';
    await until('the next', () => client.blobs.has(later));
  });

  it('ends a link that speaks something else', async () => {
    const client = await connect();
    client.send({ type: 'nonsense' } as never);
    await journal.append(event('a'));
    await until('the end', () => orphaned === 1);
    expect(reasonsOf(client)).not.toContain('a');
  });

  it('tells when no server came for too long, also after one left', async () => {
    await until('the first time', () => orphaned === 1);
    const client = await connect();
    await client.close();
    expect(orphaned).toBe(1);
    await until('the second time', () => orphaned === 2);
  });
});
