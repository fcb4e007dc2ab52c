// Several servers on one database: each needs its key and a data folder of its own; what does not belong together is
// refused in words, and the first goes on.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { builtEnv } from '../support/config.js';
import { startProduct, type Product } from '../support/product.js';

const program = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
const key = randomBytes(32).toString('base64');

let folder: string;
let product: Product;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-several-'));
  await chmod(folder, 0o711);
  product = await startProduct({
    config: `security: { masterKey: "${key}" }\ncompute: { dataDir: ${join(folder, 'places')} }\n`,
  });
});
afterAll(async () => {
  await product?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs it to its end. */
const ended = async (args: string[], env: Record<string, string>): Promise<{ code: unknown; said: string }> => {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...builtEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()));
  return { code: await new Promise((resolve) => child.once('close', resolve)), said };
};

/** Starts one that ends by itself, and answers with what it said. */
const refused = async (dataDir: string, env: Record<string, string>, config?: string): Promise<string> => {
  const { code, said } = await ended(
    ['serve', '--port', '0', '--data-dir', dataDir, ...(config ? ['--config', config] : [])],
    env,
  );
  expect(code).toBe(1);
  expect(said).not.toMatch(/^\s+at /m);
  expect((await fetch(`${product.url}/readyz`)).status).toBe(200);
  return said;
};

describe('several servers', () => {
  it('one with another master key is refused: it could open no secret and reach no session', async () => {
    const said = await refused(join(folder, 'other'), { DATABASE_URL: product.databaseUrl });
    expect(said).toContain('The master key is not the one that this database was set up with');
    expect(said).toContain('security.masterKey');
  });

  it('one on the same data folder is refused', async () => {
    expect(await refused(product.dataDir, {})).toContain(`is in use by another server (process ${product.pid()})`);
  });

  it('one of another database is kept from the places of this one', async () => {
    await expect(startProduct({ config: `compute: { dataDir: ${join(folder, 'places')} }\n` })).rejects.toThrow(
      /\(compute\.dataDir\) belongs to servers of another database/,
    );
  });

  it('one with the key works beside it, before and after the first was killed', async () => {
    const second = await startProduct({
      config: `security: { masterKey: "${key}" }\ndatabase: { url: "${product.databaseUrl}" }\n`,
    });
    try {
      await product.kill();
      expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
      await product.restart();
      for (const { url } of [product, second]) expect((await fetch(`${url}/readyz`)).status).toBe(200);
      expect(await second.stop()).toBe(0);
      expect((await fetch(`${product.url}/readyz`)).status).toBe(200);
    } finally {
      await second.close();
    }
  });

  it('engines are listed, and nothing is taken from one that a session-manager has', async () => {
    const config = join(folder, 'engine.yaml');
    await writeFile(config, `security: { masterKey: "${key}" }\ncompute: { dataDir: ${join(folder, 'new-places')} }\n`);
    const env = { DATABASE_URL: product.databaseUrl };
    const engine = (...args: string[]) =>
      ended(['engine', ...args, '--data-dir', join(folder, 'by-hand'), '--config', config], env);
    const listed = await engine('list');
    expect(listed).toMatchObject({ code: 0, said: expect.stringMatching(/0 sessions, 1 session-manager\n/) });
    expect(listed.said).toMatch(/0 sessions, no session-manager has it now, the one that is here\n/);
    const adopted = await engine('adopt');
    expect(adopted).toMatchObject({ code: 1, said: expect.stringContaining('there is nothing to move') });
    const restored = await engine('adopt', '--restored');
    expect(restored).toMatchObject({ code: 1, said: expect.stringContaining('all are stopped first') });
    for (const { said } of [adopted, restored]) expect(said).not.toMatch(/^\s+at /m);
  });
});
