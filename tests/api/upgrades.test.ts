// Upgrades that nobody wants: each is answered and closed, and none of them can end the server.

import { once } from 'node:events';
import { connect } from 'node:net';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { configFor, startModel } from '../support/model.js';
import { startProduct, type Product } from '../support/product.js';

let model: ScriptedModel;
let product: Product;

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configFor(model) });
});
afterAll(async () => {
  await product?.close();
  await model?.close();
});

const upgrade = (path: string): string => {
  const { host, origin } = new URL(product.url);
  return [
    `GET ${path} HTTP/1.1`,
    `host: ${host}`,
    `origin: ${origin}`,
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');
};

const dial = () => connect({ host: 'localhost', port: Number(new URL(product.url).port), allowHalfOpen: true });

describe('an upgrade that nobody wants', () => {
  it.each(['/socket.ioX', '/socket.io', '/', '/api/sessions', '/api/sessions/x/ws'])(
    '%s is refused in words, and its line is closed though the client keeps its end open',
    async (path) => {
      const socket = dial();
      let said = '';
      socket.on('data', (bytes: Buffer) => (said += bytes.toString()));
      socket.on('error', () => {});
      const closed = once(socket, 'end');
      socket.write(upgrade(path));
      await closed;
      expect(said).toMatch(/^HTTP\/1\.1 404 /);
      expect(said).toContain('"code":"not_found"');
      socket.destroy();
    },
  );

  it('may be reset in the middle without harm', async () => {
    for (const path of ['/socket.ioX', '/socket.io/', '/api/sessions', '/api/sessions/x/ws']) {
      const socket = dial();
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(upgrade(path));
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    const answer = await fetch(`${product.url}/healthz`);
    expect(answer.status).toBe(200);
    expect(product.output()).not.toMatch(/uncaught|ECONNRESET/i);
  });
});
