import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createLog } from '../log.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.js';

const log = createLog({ level: 'error', plain: true, sink: { write: () => true } });
const childEnv = { PATH: '/usr/bin:/bin' };
const uid = 49_999;

let dataDir: string;
let running: EmbeddedPostgres | undefined;

const start = async () =>
  (running = await startEmbeddedPostgres({ dataDir, runDir: join(dataDir, 'run'), childEnv, log, uid }));

async function query<T>(text: string): Promise<T[]> {
  const client = new pg.Client({ ...running?.connection, ssl: false });
  await client.connect();
  try {
    return (await client.query(text)).rows as T[];
  } finally {
    await client.end();
  }
}

function pidNow(): number {
  const pid = running?.pid() ?? 0;
  // 0 would mean our own process group.
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error('PostgreSQL does not run');
  return pid;
}

async function kill(pid: number): Promise<void> {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`not a process: ${pid}`);
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(async () => {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
    expect(state.split(') ')[1]).toMatch(/^Z/);
  });
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rc-pg-'));
  await chmod(dataDir, 0o711);
  await mkdir(join(dataDir, 'run'), { mode: 0o711 });
});
afterAll(async () => {
  await running?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

// Each test goes on with the database that the one before left.
describe.sequential('the embedded PostgreSQL', () => {
  test('starts in an empty folder, also where an earlier first start was cut off', async () => {
    await mkdir(join(dataDir, 'postgres.new-cutoff', 'data'), { recursive: true });
    await writeFile(join(dataDir, 'postgres.new-cutoff', 'data', 'PG_VERSION'), '18\n');
    const postgres = await start();
    expect(postgres.adopted).toBe(false);
    await query('create table kept (n int)');
    await query('insert into kept values (1)');
    expect((await readdir(dataDir)).filter((name) => name.startsWith('postgres.new-'))).toEqual([]);
  });

  test('says what to do about a database of another version, with a code that tells it from a bug', async () => {
    const other = await mkdtemp(join(tmpdir(), 'rc-pg-'));
    try {
      for (const name of ['postgres', 'run']) await mkdir(join(other, name));
      await writeFile(join(other, 'postgres', 'PG_VERSION'), '9\n');
      const failing = startEmbeddedPostgres({ dataDir: other, runDir: join(other, 'run'), childEnv, log, uid });
      await expect(failing).rejects.toMatchObject({
        code: 'EMBEDDED_POSTGRES',
        message: expect.stringContaining('Make a backup') as string,
      });
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });

  test('sorts by C.UTF-8, syncs, and listens on no address', async () => {
    expect(await query("select current_setting('listen_addresses') as a, current_setting('fsync') as f")).toEqual([
      { a: '', f: 'on' },
    ]);
    expect(
      await query('select datlocprovider as p, datlocale as l from pg_database where datname = current_database()'),
    ).toEqual([{ p: 'b', l: 'C.UTF-8' }]);
    expect(await query("select upper('é') as u, 'Z' < 'a' as s")).toEqual([{ u: 'É', s: true }]);
  });

  test.runIf(process.getuid?.() === 0)(
    'as root runs as a user of its own, whose files no other user reads',
    async () => {
      const status = await readFile(`/proc/${running?.pid()}/status`, 'utf8');
      expect(status).toMatch(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'm'));
      expect(status).toMatch(/^CapEff:\t0+$/m);
      const folder = await stat(join(dataDir, 'postgres'));
      expect([folder.uid, folder.mode & 0o777]).toEqual([uid, 0o700]);
      const socketDir = await stat(running?.connection.host ?? '');
      expect([socketDir.uid, socketDir.mode & 0o777]).toEqual([uid, 0o700]);
    },
  );

  test('knows only the environment that was built for it', async () => {
    const names = (await readFile(`/proc/${running?.pid()}/environ`, 'utf8'))
      .split('\0')
      .map((entry) => entry.split('=')[0]);
    expect(names.filter((name) => !['PATH', 'LC_ALL', 'PGDATA', ''].includes(name ?? ''))).toEqual([]);
  });

  test('is started again while the server runs, with its rows, when it was killed', async () => {
    const before = pidNow();
    await kill(before);
    await vi.waitFor(async () => expect(await query('select n from kept')).toEqual([{ n: 1 }]), {
      timeout: 20_000,
      interval: 100,
    });
    await vi.waitFor(() => expect(running?.pid()).not.toBe(before), { timeout: 20_000 });
  });

  test('outlives a server that is killed, and is adopted by the next one', async () => {
    await running?.stop();
    const server = await startServerProcess();
    const pid = Number(await firstLine(server));
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    const postgres = await start();
    expect(postgres.adopted).toBe(true);
    expect(postgres.pid()).toBe(pid);
    expect(await query('select n from kept')).toEqual([{ n: 1 }]);
  });

  test('starts where server and PostgreSQL were both killed and the pid now belongs to another program', async () => {
    await running?.stop();
    const server = await startServerProcess();
    const pid = Number(await firstLine(server));
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    await kill(pid);
    const stale = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8');
    await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), stale.replace(/^\d+/, String(process.pid)));
    const postgres = await start();
    expect(postgres.adopted).toBe(false);
    expect(await query('select n from kept')).toEqual([{ n: 1 }]);
  });

  test('stops cleanly: no process, no pid file; a database of another version is refused by name', async () => {
    const pid = pidNow();
    await running?.stop();
    running = undefined;
    expect(await readdir(join(dataDir, 'postgres'))).not.toContain('postmaster.pid');
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).toBe('');
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '17\n');
    await expect(start()).rejects.toThrow(/made by PostgreSQL 17, this server brings 18/);
  });
});

async function startServerProcess(): Promise<ChildProcess> {
  const program = `
    import { startEmbeddedPostgres } from ${JSON.stringify(new URL('./embedded-postgres.ts', import.meta.url).href)};
    import { createLog } from ${JSON.stringify(new URL('../log.ts', import.meta.url).href)};
    const log = createLog({ level: 'error', plain: true, sink: process.stderr });
    const postgres = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, runDir: ${JSON.stringify(join(dataDir, 'run'))},
      childEnv: ${JSON.stringify(childEnv)}, log, uid: ${uid} });
    console.log(postgres.pid());
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function firstLine(child: ChildProcess): Promise<string> {
  const stdout = child.stdout;
  if (stdout === null) throw new Error('no output');
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the server process ended')));
  const [chunk] = (await Promise.race([once(stdout, 'data'), ended])) as [Buffer];
  ended.catch(() => {});
  return chunk.toString();
}
