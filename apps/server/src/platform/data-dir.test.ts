import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultDataDir, maxSocketPathBytes, openDataDir } from './data-dir.js';

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'rc-data-'));
  await chmod(base, 0o755);
});
afterAll(() => rm(base, { recursive: true, force: true }));

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

test('root has a system folder, others one in their home', () => {
  expect(defaultDataDir({ uid: 0, home: '/root' })).toBe('/var/lib/remote-claude');
  expect(defaultDataDir({ uid: 1000, home: '/home/a' })).toBe('/home/a/.remote-claude');
});

test('the folder is made with its places, and secrets are for the owner only', async () => {
  const folder = await openDataDir(join(base, 'a', 'b'));
  const passable = process.getuid?.() === 0 ? 0o711 : 0o700;
  expect(await modeOf(folder.path)).toBe(passable);
  expect(await modeOf(folder.secretsDir)).toBe(0o700);
  expect(await modeOf(folder.runDir)).toBe(passable);
  await folder.close();
});

test('a second server is refused and told who holds the folder; after a release it may', async () => {
  const first = await openDataDir(join(base, 'locked'));
  await expect(openDataDir(join(base, 'locked'))).rejects.toThrow(`in use by another server (process ${process.pid})`);
  // Another name of the same folder is the same folder.
  await symlink(join(base, 'locked'), join(base, 'alias'));
  await expect(openDataDir(join(base, 'alias'))).rejects.toThrow('in use by another server');
  await first.close();
  await (await openDataDir(join(base, 'locked'))).close();
});

test('a process that was killed leaves no lock, and its children hold none', async () => {
  const path = join(base, 'killed');
  const program = `
    import { openDataDir } from ${JSON.stringify(new URL('./data-dir.ts', import.meta.url).href)};
    import { spawn } from 'node:child_process';
    await openDataDir(${JSON.stringify(path)});
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(holder.stdout, 'data')) as [Buffer];
  const survivor = Number(line.toString());
  try {
    await expect(openDataDir(path)).rejects.toThrow(`process ${holder.pid}`);
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    await (await openDataDir(path)).close();
  } finally {
    process.kill(survivor, 'SIGKILL');
  }
});

test('below a long path the sockets go to a short folder, and a path that is too long is refused', async () => {
  const folder = await openDataDir(join(base, 'long'.repeat(20)));
  const socket = folder.socketPath('sessions', '01234567-0123-0123-0123-0123456789ab', 'agent.sock');
  expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(maxSocketPathBytes);
  expect(socket.startsWith(folder.path)).toBe(false);
  await mkdir(join(socket, '..'), { recursive: true });
  const server = createServer().listen(socket);
  await once(server, 'listening');
  expect((await stat(socket)).isSocket()).toBe(true);
  server.close();
  expect(() => folder.socketPath('x'.repeat(100))).toThrow('longer than');
  await folder.close();
  await rm(folder.runDir, { recursive: true });
});

test('what is no folder, or cannot be passed by other users, is refused with a remedy', async () => {
  await writeFile(join(base, 'file'), '');
  await expect(openDataDir(join(base, 'file'))).rejects.toThrow('is not a folder');
  if (process.getuid?.() !== 0) return;
  await mkdir(join(base, 'closed'), { mode: 0o700 });
  await expect(openDataDir(join(base, 'closed', 'data'))).rejects.toThrow(`chmod o+x ${join(base, 'closed')}`);
});
