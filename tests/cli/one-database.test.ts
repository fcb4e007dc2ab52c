// Two servers on one database would both look after its sessions: the second is refused, and one that lost its place ends.

import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { builtEnv } from '../support/config.js';
import { openDatabase } from '../support/database.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';

const program = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));

let folder: string;
let product: Product;

const socketFolder = (): string => join(product.dataDir, 'run', 'postgres');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-one-'));
  await chmod(folder, 0o711);
  product = await startProduct({ config: 'timing: { reconcile: 1s, heartbeat: 1s, heartbeatTimeout: 2500ms }\n' });
});

afterAll(async () => {
  await product?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('one server per database', () => {
  it('a second one by the URL of the first is refused by name, and the first goes on', async () => {
    const url = `postgres://remote_claude@localhost/remote_claude?host=${encodeURIComponent(socketFolder())}`;
    const child = spawn(process.execPath, [program, 'serve', '--port', '0', '--data-dir', join(folder, 'second')], {
      env: { ...builtEnv(), DATABASE_URL: url },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(said).toContain(`in use by another server (process ${product.pid()} on ${hostname().slice(0, 28)}) since 2`);
    expect(said).toContain('DATABASE_URL');
    expect(said).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
    expect((await fetch(`${product.url}/readyz`)).status).toBe(200);
  });

  it('one that was killed is followed at once', async () => {
    await product.kill();
    await product.restart();
    expect((await fetch(`${product.url}/readyz`)).status).toBe(200);
  });

  it('one whose lock another took while its connection was lost says so and ends with an error', async () => {
    const database = await openDatabase(product);
    const [held] = await database.query<{ key: string; pid: number }>(
      `select ((l.classid::bigint << 32) | l.objid::bigint)::text as key, a.pid
         from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.granted and a.application_name like 'remote-claude ${product.pid()} %'`,
    );
    const other = new pg.Client({ host: socketFolder(), user: 'remote_claude', database: 'remote_claude', ssl: false });
    other.on('error', () => {});
    await other.connect();
    const taken = other.query('select pg_advisory_lock($1)', [held?.key]);
    await until(
      async () =>
        (await database.query("select 1 from pg_locks where locktype = 'advisory' and not granted")).length > 0,
      { what: 'the other to queue for the lock' },
    );
    await database.query('select pg_terminate_backend($1)', [held?.pid]);
    await taken;
    await until(() => product.output().includes('another server has taken the database'), { what: 'the loss' });
    expect(await product.stop()).toBe(1);
    expect(product.output()).toContain('The database is in use by another server');
    await Promise.allSettled([other.end(), database.close()]);
    await product.restart();
    expect((await fetch(`${product.url}/readyz`)).status).toBe(200);
  });
});
