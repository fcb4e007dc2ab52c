// The tests' own engine: what containers of it reach, who may talk to it, what happens when it is killed, and that a killed
// test run leaves nothing for long.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { providedEngine } from '@remote-claude/compute/testing';
import { afterAll, describe, expect, it } from 'vitest';

import { docker } from '../support/container.js';
import { builtEnv } from '../support/config.js';
import { until } from '../support/wait.js';

const engine = providedEngine();
const made: string[] = [];
afterAll(async () => {
  if (made.length > 0) await docker(['rm', '--force', ...made]);
});

/** A container that stays; its name. */
const stay = async (script: string, ...options: string[]): Promise<string> => {
  const name = `stay-${randomUUID()}`;
  made.push(name);
  const { code, stderr } = await docker(
    ['run', '--detach', '--init', `--name=${name}`, ...options, engine.sessionImage].concat('sh', '-c', script),
  );
  expect(code, stderr).toBe(0);
  return name;
};
const inspect = async (name: string, field: string): Promise<string> =>
  (await docker(['inspect', '--format', `{{${field}}}`, name])).stdout.trim();

describe('the network of the engine', () => {
  it('lets containers reach what this machine listens with for them', async () => {
    const server = createServer((_request, answer) => answer.end('hello from the machine'));
    server.listen(0, engine.hostAddress);
    await once(server, 'listening');
    try {
      const { port } = server.address() as { port: number };
      const url = `http://${engine.hostAddress}:${port}/`;
      const said = await docker(['run', '--rm', engine.sessionImage].concat('curl', '-sS', '--max-time', '30', url));
      expect(said).toEqual({ code: 0, stdout: 'hello from the machine', stderr: '' });
    } finally {
      server.close();
    }
  });

  it('has no route to anything else', async () => {
    // Looked up and not tried: nothing is sent. The address is one that is set aside for examples.
    const namespace = `rc-${dirname(engine.pidFile).slice(-6)}`;
    const routeTo = (address: string) =>
      promisify(execFile)('ip', ['-n', namespace, 'route', 'get', address], { env: builtEnv() });
    await expect(routeTo('198.51.100.7')).rejects.toMatchObject({
      stderr: expect.stringMatching(/No route|unreachable/),
    });
    expect((await routeTo(engine.hostAddress)).stdout).toContain(engine.address);
  });

  it('shows this machine the ports that containers publish', async () => {
    const name = await stay('python3 -m http.server 8000 --directory /workspace', '--publish=8000');
    const published = (await docker(['port', name, '8000/tcp'])).stdout.split('\n')[0]?.split(':').at(-1);
    const status = await until(async () => (await fetch(`http://${engine.address}:${published}/`)).status, {
      what: 'the published port to answer',
    });
    expect(status).toBe(200);
  });
});

describe('who may ask the engine by its port', () => {
  const { host, port, caPath, certificatePath, keyPath } = engine.tls;
  const ask = (options: object): Promise<number | string> =>
    new Promise((resolve) => {
      const asked = request({ host, port, path: '/_ping', ca: readFileSync(caPath), ...options }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      asked.once('error', ({ message }) => resolve(message));
      asked.end();
    });

  it('one with a certificate', async () => {
    expect(await ask({ cert: readFileSync(certificatePath), key: readFileSync(keyPath) })).toBe(200);
  });

  it('nobody without', async () => {
    expect(await ask({})).toMatch(/certificate required|bad certificate|alert|ECONNRESET|socket hang up/i);
    const plain = new Promise((resolve) => {
      const asked = plainRequest({ host, port, path: '/_ping' }, (answer) => resolve(answer.resume().statusCode));
      asked.once('error', () => resolve(400));
      asked.end();
    });
    expect(await plain).toBe(400);
  });
});

describe('an engine that is killed', () => {
  it('comes back, and its containers have gone on', async () => {
    const name = await stay('sleep 86400.0091');
    const [pid, startedAt] = [await inspect(name, '.State.Pid'), await inspect(name, '.State.StartedAt')];
    const daemon = (): string => readFileSync(engine.pidFile, 'utf8').trim();
    const before = daemon();
    process.kill(Number(before), 'SIGKILL');
    await until(async () => daemon() !== before && (await docker(['ps'])).code === 0, {
      timeoutMs: 120_000,
      what: 'the engine to be back',
    });
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    expect([await inspect(name, '.State.Pid'), await inspect(name, '.State.StartedAt')]).toEqual([pid, startedAt]);
    expect((await docker(['exec', name, 'echo', 'alive'])).stdout).toBe('alive\n');
  });
});

describe('a test run that is killed', () => {
  const library = fileURLToPath(new URL('../../scripts/lib/containers/engine.mjs', import.meta.url));

  /** Another run: starts an engine below `parent`, prints what it is, and closes it when it is told to. */
  const startRun = async (parent: string): Promise<{ child: ChildProcess; told: { socketPath: string } }> => {
    const program = [
      `import { startEngine } from ${JSON.stringify(library)};`,
      `const { socketPath, close } = await startEngine({ parent: ${JSON.stringify(parent)} });`,
      'console.log(JSON.stringify({ socketPath }));',
      'process.stdin.once("data", async () => { await close(); process.exit(0); });',
    ];
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program.join('\n')], {
      env: builtEnv(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout }))
      if (line.startsWith('{')) return { child, told: JSON.parse(line) as { socketPath: string } };
    throw new Error('the other run started no engine');
  };

  it('leaves an engine that the next one removes, with its network', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'rc-'));
    let second: ChildProcess | undefined;
    try {
      const first = await startRun(parent);
      const [folder = ''] = readdirSync(parent);
      const id = folder.slice(-6);
      expect(readdirSync('/run/netns')).toContain(`rc-${id}`);
      first.child.kill('SIGKILL');
      await once(first.child, 'close');
      expect(existsSync(first.told.socketPath)).toBe(true);

      second = (await startRun(parent)).child;
      expect(readdirSync(parent)).toHaveLength(1);
      expect(readdirSync(parent)).not.toContain(folder);
      expect(readdirSync('/run/netns')).not.toContain(`rc-${id}`);
      const commands = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandOf(name).includes(folder));
      expect(commands).toEqual([]);
    } finally {
      if (second !== undefined) {
        const ended = once(second, 'close');
        second.stdin?.write('close\n');
        await ended;
      }
      expect(readdirSync(parent)).toEqual([]);
      await rm(parent, { recursive: true, force: true });
    }
  });
});

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
