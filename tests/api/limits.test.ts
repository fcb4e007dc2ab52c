// What a site limits: the models that may be used, and the size of what is uploaded.

import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { routes, type Session } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startSession } from '../support/inside.js';
import { canaryKey, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';

const mebibyte = 1024 * 1024;
const configOf = (model: ScriptedModel, models: string): string => `
server: { maxUpload: 1MiB }
claude: { apiKey: ${canaryKey}, baseUrl: "${model.url}", model: sonnet, models: [${models}] }
timing: { reconcile: 1s, retryMin: 100ms }
`;

let model: ScriptedModel;
let product: Product;
let ada: Person;
let session: Session;

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configOf(model, 'sonnet, claude-opus-5') });
  ada = await setUpAdmin(product);
  session = await startSession(ada, { name: 'Limited', model: 'claude-opus-5' });
});

afterAll(async () => {
  await product?.close();
  await model?.close();
});

describe('the largest upload', () => {
  const address = (path: string): string => `/sessions/${session.id}/files/${path}`;
  const makeNew = { 'if-none-match': '*' };
  const expectRefused = async (answer: Response): Promise<void> => {
    expect(answer.status).toBe(413);
    const { error } = (await answer.json()) as { error: { code: string; message: string } };
    expect(error.code).toBe('payload_too_large');
    expect(error.message).toContain('1MiB');
    expect(error.message).toContain('server.maxUpload');
  };
  /** Sent in pieces, without a length. */
  const streamed = (bytes: number): RequestInit & { duplex: 'half' } => ({
    method: 'PUT',
    headers: makeNew,
    duplex: 'half',
    body: new ReadableStream({
      start(controller) {
        for (let sent = 0; sent < bytes; sent += 65_536)
          controller.enqueue(new Uint8Array(Math.min(65_536, bytes - sent)));
        controller.close();
      },
    }),
  });

  it('is taken, and one byte more is not, with a length or without', async () => {
    const put = (bytes: number, path: string) =>
      ada.fetch(address(path), { method: 'PUT', headers: makeNew, body: new Uint8Array(bytes) });
    expect((await put(mebibyte, 'whole.bin')).status).toBe(201);
    await expectRefused(await put(mebibyte + 1, 'more.bin'));
    expect((await ada.fetch(address('streamed.bin'), streamed(mebibyte))).status).toBe(201);
    await expectRefused(await ada.fetch(address('more.bin'), streamed(mebibyte + 1)));
    expect((await ada.fetch(address('more.bin'))).status).toBe(404);
  });

  it('is known before the first byte of a resumable upload', async () => {
    const begin = (length: number) =>
      ada.fetch(`/sessions/${session.id}/uploads`, {
        method: 'POST',
        headers: {
          'tus-resumable': '1.0.0',
          'upload-length': String(length),
          'upload-metadata': `filename ${Buffer.from('tus.bin').toString('base64')}`,
        },
      });
    await expectRefused(await begin(mebibyte + 1));
    expect((await begin(mebibyte)).status).toBe(201);
  });
});

describe('the models of a site', () => {
  const refusal = {
    code: 'unsupported_option',
    message: 'The model haiku is not allowed here. Allowed are: sonnet, claude-opus-5.',
  };

  it('are shown, and no other can be chosen', async () => {
    expect((await ada.client.call(routes.auth.about, {})).models).toEqual(['sonnet', 'claude-opus-5']);
    await expect(ada.client.call(routes.sessions.create, { body: { model: 'haiku' } })).rejects.toMatchObject(refusal);
    const params = { id: session.id };
    await expect(ada.client.call(routes.claude.configure, { params, body: { model: 'haiku' } })).rejects.toMatchObject(
      refusal,
    );
    await ada.client.call(routes.claude.configure, { params, body: { model: 'claude-opus-5-20260101' } });
    await ada.client.call(routes.claude.configure, { params, body: { model: 'claude-opus-5' } });
  });

  it('hold at the gateway too, for a session that was set to another before', async () => {
    const say = async () => {
      const params = { id: session.id };
      const answer = await ada.client.call(routes.claude.chat, { params, body: { message: 'Who are you?' } });
      if (!('outcome' in answer)) throw new Error('the turn was not waited for');
      return answer;
    };
    expect(await say()).toMatchObject({ outcome: 'completed', message: 'Hello.' });
    await product.stop();
    const file = join(dirname(product.dataDir), 'config.yaml');
    expect(await readFile(file, 'utf8')).toContain('claude-opus-5');
    await writeFile(file, configOf(model, 'sonnet'));
    await product.restart();
    const refused = await say();
    expect(refused.outcome).toBe('failed');
    expect(refused.reason).toContain('The model claude-opus-5 is not allowed here. Allowed are: sonnet.');
    await ada.client.call(routes.claude.configure, { params: { id: session.id }, body: { model: 'sonnet' } });
    expect(await say()).toMatchObject({ outcome: 'completed' });
  });
});
