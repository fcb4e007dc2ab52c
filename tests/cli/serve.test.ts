// `remote-claude serve` as people start it: what it says when something is wrong, and what it leaves when it ends.

import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { routes } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { builtEnv } from '../support/config.js';
import { execute, output, startSession, untilRunning } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';

const program = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

let folder: string;
let model: ScriptedModel;
let product: Product;
let ada: Person;

/** Runs to its end; a server that starts after all is ended and fails the test. */
const run = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...builtEnv(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString('utf8')));
    child.stderr.on('data', (part: Buffer) => (stderr += part.toString('utf8')));
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      reject(new Error(`It did not end:\n${stdout}\n${stderr}`));
    }, 60_000);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });

const configFile = async (content: string): Promise<string> => {
  const path = join(folder, `${crypto.randomUUID()}.yaml`);
  await writeFile(path, content);
  return path;
};

/** A stack is for bugs; what a person did wrong is said in sentences. */
const expectSentence = ({ code, stdout, stderr }: Ended): void => {
  expect(code).toBe(1);
  expect(stdout).not.toContain('Remote Claude is at');
  expect(stderr).not.toMatch(/^\s+at /m);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-cli-'));
  // As root the database runs as another user, who must pass through.
  await chmod(folder, 0o711);
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
});

afterAll(async () => {
  await product?.close();
  await model?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('what it is asked', () => {
  it('--help lists the commands, and serve --help its options', async () => {
    const [all, serve, version] = await Promise.all([run(['--help']), run(['serve', '--help']), run(['--version'])]);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect(all.stdout).toContain('serve');
    expect(serve.code).toBe(0);
    for (const option of ['--config', '--port', '--host', '--data-dir', '--roles'])
      expect(serve.stdout).toContain(option);
    expect(version.stdout.trim()).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('what it does not know is refused by name', async () => {
    const [option, command] = await Promise.all([run(['serve', '--prot', '3000']), run(['sevre'])]);
    expect(option.code).not.toBe(0);
    expect(option.stderr).toContain('--prot');
    expect(command.code).not.toBe(0);
    expect(command.stderr).toContain('sevre');
  });
});

describe('what is wrong is said, all of it, and nothing starts', () => {
  it('three mistakes in the configuration', async () => {
    const config = await configFile(
      [
        'server:',
        '  port: seventy',
        '  prot: 3000',
        'sessions:',
        '  idleTimeout: 30 parsecs',
        'claude:',
        '  apiKey: sk-ant-not-to-be-shown-in-errors',
        '',
      ].join('\n'),
    );
    const ended = await run(['serve', '--config', config, '--data-dir', join(folder, 'never')]);
    expectSentence(ended);
    for (const key of ['server.port', 'server.prot', 'sessions.idleTimeout']) expect(ended.stderr).toContain(key);
    expect(ended.stderr).toContain(config);
    expect(ended.stderr).not.toContain('sk-ant-not-to-be-shown-in-errors');
  });

  it('mistakes in file, flags and variables together', async () => {
    const config = await configFile('redis: { url: "http://localhost" }\nsecurity: { encryption: false }\n');
    const ended = await run(['serve', '--config', config, '--port', '99999', '--data-dir', join(folder, 'never')], {
      DATABASE_URL: 'mysql://localhost/x',
    });
    expectSentence(ended);
    for (const what of ['redis.url', 'security.encryption', 'server.port', 'database.url'])
      expect(ended.stderr).toContain(what);
  });

  it('a file that is not there, and one that is no YAML', async () => {
    const missing = await run(['serve', '--config', join(folder, 'missing.yaml')]);
    expectSentence(missing);
    expect(missing.stderr).toContain('missing.yaml');
    const broken = await run(['serve', '--config', await configFile('server: [unclosed\n  port: 3')]);
    expectSentence(broken);
    expect(broken.stderr).toContain('.yaml');
  });

  it('a port that is in use', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as AddressInfo;
    const dataDir = await mkdtemp(join(folder, 'port-'));
    const ended = await run([
      'serve',
      '--config',
      await configFile(configFor(model)),
      '--port',
      String(port),
      '--data-dir',
      dataDir,
    ]);
    squatter.close();
    expectSentence(ended);
    expect(ended.stderr).toMatch(new RegExp(`port ${port}\\b.*in use`, 'is'));
    // It took what it had begun down again: the folder's lock is free.
    const again = await run(['serve', '--config', await configFile('server: { port: none }'), '--data-dir', dataDir]);
    expectSentence(again);
  });

  it('a second server on the same folder, which harms the first in nothing', async () => {
    const ended = await run([
      'serve',
      '--config',
      await configFile(configFor(model)),
      '--port',
      '0',
      '--data-dir',
      product.dataDir,
    ]);
    expectSentence(ended);
    expect(ended.stderr).toContain(product.dataDir);
    expect(ended.stderr).toMatch(/in use/);
    expect(ended.stderr).toContain(String(product.pid()));
    expect((await fetch(`${product.url}/readyz`)).status).toBe(200);
    expect(await ada.client.call(routes.auth.currentUser, {})).toMatchObject({ user: { email: ada.email } });
  });
});

describe('SIGTERM', () => {
  it('leaves sessions running and says so; the next start finds them as they were', async () => {
    const session = await startSession(ada, { name: 'Survivor' });
    await execute(ada, session.id, 'setsid sleep 86400.0077 >/dev/null 2>&1 </dev/null & echo $! > ~/kept-pid');
    const kept = await output(ada, session.id, 'cat ~/kept-pid');
    const { head } = await ada.client.call(routes.claude.history, { params: { id: session.id } });
    expect(await product.stop()).toBe(0);
    expect(product.output()).toMatch(/1 session keeps running/);
    await expect(fetch(`${product.url}/healthz`)).rejects.toThrow();

    await product.restart();
    expect(product.setupUrl).toBeNull();
    // The sign-in holds, the process that ran is the one that runs, and the agent answers.
    await untilRunning(ada, session.id);
    expect(await output(ada, session.id, `tr '\\0' ' ' < /proc/${kept}/cmdline`)).toBe('sleep 86400.0077');
    const { items } = await ada.client.call(routes.claude.history, {
      params: { id: session.id },
      query: { after: head, limit: 500 },
    });
    expect(items.filter(({ event }) => event.type === 'place.changed' && event.status !== 'running')).toEqual([]);
    expect(
      await ada.client.call(routes.claude.chat, { params: { id: session.id }, body: { message: 'Hi' } }),
    ).toMatchObject({ outcome: 'completed' });
    await ada.client.call(routes.sessions.remove, { params: { id: session.id } });
  });
});
