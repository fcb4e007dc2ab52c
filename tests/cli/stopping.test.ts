// How a server ends: in the time it was given, whatever hangs, and with what it leaves behind in order.

import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { routes, socketProtocol, type Session } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { startSession } from '../support/inside.js';
import { canaryKey, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';

const drainMs = 6_000;
/** For a busy machine, beyond what the server may take. */
const slackMs = 4_000;

let model: ScriptedModel;
let product: Product;
let ada: Person;
let session: Session;

const postgresRuns = (): boolean => existsSync(join(product.dataDir, 'postgres', 'postmaster.pid'));

/** A connection on which a request was begun, and what came on it. */
const begin = async (
  head: string,
  body = '',
): Promise<{ socket: Socket; received(): string; closed: Promise<void> }> => {
  const { hostname, port } = new URL(product.url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (part) => (received += part.toString('latin1')));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const headers = [head, `host: ${hostname}:${port}`, `authorization: Bearer ${ada.token}`];
  socket.write(`${headers.join('\r\n')}\r\n\r\n${body}`);
  return { socket, received: () => received, closed };
};

const socketPath = (): string => `/api/sessions/${session.id}/ws`;

/** A viewer that never reads what comes after the handshake, so it does not say goodbye either. */
const silentViewer = async () => {
  const head = [
    `GET ${socketPath()} HTTP/1.1`,
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${Buffer.alloc(16).toString('base64')}`,
    `sec-websocket-protocol: ${socketProtocol}`,
  ].join('\r\n');
  const opened = await begin(head);
  await until(() => opened.received().includes('101 Switching'), { what: 'the silent viewer' });
  opened.socket.pause();
  return opened;
};

/** A viewer as a page has one; `closed` is the code with which it was sent away. */
const viewer = async (): Promise<{ closed: Promise<number> }> => {
  const socket = new WebSocket(`${product.url.replace('http', 'ws')}${socketPath()}`, [socketProtocol], {
    headers: { authorization: `Bearer ${ada.token}` },
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return { closed };
};

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({
    config: `
claude: { apiKey: ${canaryKey}, baseUrl: "${model.url}" }
timing: { reconcile: 1s, drain: ${drainMs}ms }
`,
  });
  ada = await setUpAdmin(product);
  session = await startSession(ada, { name: 'Stopping' });
});

afterAll(async () => {
  await product?.close();
  await model?.close();
});

describe('SIGTERM', () => {
  it('ends in time although requests, an upload and a viewer hang, and stops its database', async () => {
    const hanging = await Promise.all([
      // A request whose body never ends, one that is idle, an upload that stalls, a viewer that is deaf.
      begin('POST /api/sessions HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 100', '{'),
      begin('GET /healthz HTTP/1.1'),
      begin(
        `PUT /api/sessions/${session.id}/files/half.txt HTTP/1.1\r\nif-none-match: *\r\ncontent-length: 1000`,
        'half of it',
      ),
      silentViewer(),
    ]);
    const watching = await viewer();
    expect(postgresRuns()).toBe(true);
    const asked = performance.now();
    expect(await product.stop()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(drainMs + slackMs);
    expect(await watching.closed).toBe(1012);
    for (const { socket } of hanging) socket.resume();
    await Promise.all(hanging.map(({ closed }) => closed));
    expect(postgresRuns()).toBe(false);
    expect(product.output()).toMatch(/1 session keeps running/);
    expect(product.output()).not.toMatch(/did not close in time/);
  });

  it('answers a request that is under way, and takes no time where nothing is', async () => {
    await product.restart();
    const asked = ada.client.call(routes.sessions.execute, {
      params: { id: session.id },
      body: { command: 'touch ~/begun; sleep 0.7; echo done' },
    });
    await until(
      async () =>
        (
          await ada.client.call(routes.sessions.execute, {
            params: { id: session.id },
            body: { command: 'rm ~/begun' },
          })
        ).exitCode === 0,
      { what: 'the command to have begun' },
    );
    const begun = performance.now();
    const stopped = product.stop();
    expect((await asked).stdout).toBe('done\n');
    expect(await stopped).toBe(0);
    expect(performance.now() - begun).toBeLessThan(drainMs);
  });
});

describe('Ctrl+C', () => {
  it('twice ends at once, says what stays, and the next start takes it all over', async () => {
    await product.restart();
    const hanging = await begin(
      'POST /api/sessions HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 9',
      '{',
    );
    // Answered behind the hanging one, which has been read by then.
    await ada.client.call(routes.sessions.get, { params: { id: session.id } });
    const before = product.output().length;
    const said = () => product.output().slice(before);
    process.kill(product.pid(), 'SIGINT');
    await until(() => said().includes('SIGINT: closing…'), { what: 'the first to be heard' });
    // One that comes within a moment is the first one, handed on once more.
    process.kill(product.pid(), 'SIGINT');
    const heard = performance.now();
    await until(() => performance.now() - heard > 600, { what: 'the moment to be over' });
    expect(said()).not.toContain('at once');
    process.kill(product.pid(), 'SIGINT');
    expect(await product.stop()).toBe(130);
    expect(said()).toContain('Ended at once. Sessions keep running');
    await hanging.closed;
    await product.restart();
    expect((await ada.client.call(routes.sessions.get, { params: { id: session.id } })).wanted).toBe('running');
  });
});
