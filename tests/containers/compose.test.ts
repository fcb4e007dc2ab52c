// `docker compose up` of the shipped file with the images that were built here: people sign in through nginx over TLS and work
// in a session, the roles reach each other and nobody else does, and nothing is lost when a service is started again in the
// middle of a turn, or when all of them get another image.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { providedEngine } from '@remote-claude/compute/testing';
import { routes, type SessionId, type TurnId } from '@remote-claude/contract';
import { startScriptedModel, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';

import { countUntil, greet, tokens, upTo } from '../faults/support.js';
import { docker } from '../support/container.js';
import { endContainers } from '../support/containers.js';
import { commandsOf } from '../support/manual.js';
import { canaryKey } from '../support/model.js';
import type { Person } from '../support/people.js';
import { openTerminal } from '../support/terminal.js';
import { makeCertificate, openTlsSite, setUpOverTls, type TlsSite } from '../support/tls-site.js';
import { endOfTurn, sayIn } from '../support/turns.js';
import { openViewer, type Viewer } from '../support/viewer.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const name = 'claude.test';
const project = `rc-${randomUUID().slice(0, 8)}`;
const services = ['db', 'redis', 'gateway', 'session-manager', 'api', 'web', 'entry', 'proxy'];

let clone: string;
let reached: TlsSite;
let ada: Person;
let model: ScriptedModel;
let sessionId: SessionId;
let viewer: Viewer;

interface Said {
  code: number;
  stdout: string;
  stderr: string;
}
const run = (program: string, args: readonly string[], more: Record<string, string> = {}): Promise<Said> =>
  new Promise((resolve) => {
    const env = { ...providedEngine().env, ...more };
    execFile(program, args, { cwd: clone, env, maxBuffer: 32 * 2 ** 20 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
const compose = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(providedEngine().composePath, args);
  if (code !== 0) {
    const logs = await run(providedEngine().composePath, ['logs', '--no-color', '--tail', '40']);
    throw new Error(`compose ${args.join(' ')} ended with ${code}: ${stderr}\n${logs.stdout}`);
  }
  return stdout;
};

beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), 'rc-compose-'));
  await mkdir(join(clone, 'deploy'));
  for (const part of ['compose.yaml', 'deploy/compose', 'deploy/nginx', 'deploy/docker'])
    await cp(join(root, part), join(clone, part), { recursive: true });
  const files = { certificate: join(clone, 'pair.pem'), key: join(clone, 'pair.key') };
  await makeCertificate(name, files);
  const given = ['--host', name, '--certificate', 'pair.pem', '--key', 'pair.key'];
  const { socketPath, servicesImage, serverImage, address, hostAddress } = providedEngine();
  const setUp = await run('sh', ['deploy/compose/set-up.sh', ...given], { DOCKER_SOCKET: socketPath });
  expect(setUp).toMatchObject({ code: 0 });
  model = await startScriptedModel({
    host: hostAddress,
    apiKey: canaryKey,
    script: [...[...services, 'upgraded'].map(countUntil), greet],
  });
  const config = parse(await readFile(join(clone, 'deploy/compose/remote-claude.yaml'), 'utf8')) as {
    compute: Record<string, unknown>;
  };
  const site = {
    ...config,
    claude: { baseUrl: model.url },
    // What the tests' engine may give, and names that nobody else's containers have.
    compute: { ...config.compute, containerPrefix: project, limits: { openFiles: 16_384 } },
  };
  await writeFile(join(clone, 'site.yaml'), stringify(site));
  await writeFile(join(clone, 'secrets', 'claude_api_key'), canaryKey);
  const [image, version] = serverImage.split(':');
  const more = {
    ...{ COMPOSE_PROJECT_NAME: project, REMOTE_CLAUDE_IMAGE: image, REMOTE_CLAUDE_VERSION: version },
    ...{ POSTGRES_IMAGE: servicesImage, REDIS_IMAGE: servicesImage, NGINX_IMAGE: servicesImage },
    ...{ BIND_ADDRESS: '0.0.0.0', CONFIG_FILE: './site.yaml', SOCKET_DIR: join(clone, 'sockets') },
  };
  await appendFile(
    join(clone, '.env'),
    Object.entries(more)
      .map(([variable, value]) => `${variable}=${value}\n`)
      .join(''),
  );
  await compose('up', '--detach', '--no-build', '--wait', '--wait-timeout', '240', ...services);
  reached = openTlsSite({ url: `https://${name}`, address, ca: await readFile(files.certificate, 'utf8') });
}, 400_000);

afterAll(async () => {
  viewer?.close();
  reached?.close();
  await run(providedEngine().composePath, ['--profile', '*', 'down', '--volumes', '--timeout', '20']);
  const { socketPath, sessionImage } = providedEngine();
  await endContainers({ engine: { socketPath, sessionImage }, runtime: 'runc', prefix: project });
  await model?.close();
  await rm(clone, { recursive: true, force: true });
}, 120_000);

describe('compose up', () => {
  it('has every service healthy, each enclosed as the file says', async () => {
    for (const service of services) {
      const id = (await compose('ps', '--quiet', service)).trim();
      const { stdout } = await docker(['inspect', id]);
      const [found] = JSON.parse(stdout) as {
        State: { Health: { Status: string } };
        Config: { User: string; Env: string[] };
        HostConfig: Record<string, unknown>;
      }[];
      expect(found?.State.Health.Status, service).toBe('healthy');
      expect(found?.Config.User, service).toMatch(/^[1-9]/);
      expect(found?.HostConfig, service).toMatchObject({
        ReadonlyRootfs: true,
        Privileged: false,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
      });
      const secrets = await Promise.all(
        ['master_key', 'database_password', 'redis_password', 'metrics_token'].map((file) =>
          readFile(join(clone, 'secrets', file), 'utf8'),
        ),
      );
      for (const secret of secrets) expect(stdout, service).not.toContain(secret);
    }
  });

  it('is signed in to through nginx over TLS', async () => {
    const link = /one-time link: (\S+)/.exec(await compose('logs', '--no-color', 'api'))?.[1];
    expect(link).toMatch(/^https:\/\/claude\.test\/setup\//);
    ada = await setUpOverTls(reached, link ?? null);
    const page = await reached.ask({ path: '/' });
    expect([page.status, page.headers['strict-transport-security']]).toEqual([200, 'max-age=31536000']);
    // The ports of the machine itself: the page with the API, the API alone, and the metrics of whoever has the token.
    const { address } = providedEngine();
    const metrics = { authorization: `Bearer ${await readFile(join(clone, 'secrets', 'metrics_token'), 'utf8')}` };
    for (const [port, path, expected] of [
      [3000, '/healthz', 200],
      [3000, '/api/about', 403],
      [4000, '/api/about', 403],
      [4000, '/', 403],
      [4000, '/metrics', 401],
    ] as const)
      expect([port, path, (await fetch(`http://${address}:${port}${path}`)).status]).toEqual([port, path, expected]);
    const told = await fetch(`http://${address}:4000/metrics`, { headers: metrics });
    expect(await told.text()).toContain('remote_claude_role_info{role="api"} 1');
    // As whom each of them sees who asks: not as the container before it.
    for (const port of [3000, 4000]) {
      const { seen } = (await (await fetch(`http://${address}:${port}/healthz`, { headers: metrics })).json()) as {
        seen: { address: string; isHeeded: boolean };
      };
      expect(seen).toMatchObject({ isHeeded: true, address: expect.not.stringMatching(/^172\.30\.238\./) });
    }
    // By way of the gateway, in a container of its own.
    expect(await ada.client.call(routes.settings.getModel, {})).toMatchObject({ source: 'configuration' });
  });

  it('lets nobody reach what is not theirs', async () => {
    const knock = (service: string, host: string, port: number): Promise<string> => {
      const program = `const s = require('node:net').connect({ host: '${host}', port: ${port}, timeout: 3000 }, () => { console.log('open'); process.exit(0); }); s.on('error', (e) => { console.log(e.code); process.exit(0); }); s.on('timeout', () => { console.log('silent'); process.exit(0); });`;
      return compose('exec', '-T', service, 'node', '-e', program).then((said) => said.trim());
    };
    const reached = await Promise.all([
      knock('api', 'db', 5432),
      knock('api', 'gateway', 4443),
      knock('web', 'api', 4000),
      knock('web', 'db', 5432),
      knock('web', 'redis', 6379),
      knock('web', 'gateway', 4443),
      knock('gateway', 'web', 3000),
    ]);
    expect(reached.map((answer) => answer === 'open')).toEqual([true, true, true, false, false, false, false]);
    // The model, which listens beyond these networks, is reached by the gateway, and by nobody else: not by its address either.
    const { hostname, port } = new URL(model.url);
    const isOut = async (service: string): Promise<boolean> => {
      const program = `timeout 3 bash -c 'exec 3<>/dev/tcp/${hostname}/${port}' && echo open || echo none`;
      return (await compose('exec', '-T', service, 'sh', '-c', program)).trim() === 'open';
    };
    expect(await Promise.all(services.map(async (service) => [service, await isOut(service)]))).toEqual(
      services.map((service) => [service, service === 'gateway']),
    );
    // Neither database nor Redis answers without its password.
    const redis = await compose('exec', '-T', 'redis', 'redis-cli', 'ping').catch((error: Error) => error.message);
    expect(redis).toContain('NOAUTH');
    const psql = [
      'exec',
      '-T',
      'db',
      'psql',
      '-w',
      '-U',
      'remote_claude',
      '-h',
      '/var/run/postgresql',
      '-c',
      'select 1',
    ];
    await expect(compose(...psql)).rejects.toThrow(/password/);
  });

  it('gives a session in a container: a turn, a terminal, a file', async () => {
    ({ id: sessionId } = await ada.client.call(routes.sessions.create, { body: { name: 'Composed' } }));
    viewer = openViewer(reached.url, ada, sessionId, reached.agent);
    await viewer.event('place.changed', (event) => event.status === 'running', 120_000);
    const answer = await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'Hi' } });
    expect(answer).toMatchObject({ outcome: 'completed', message: 'Hello.' });
    const terminal = await openTerminal(viewer);
    terminal.type("echo made in''side > made; id -u\r");
    await terminal.until(/\b1000\r\n/);
    expect(await fileOf('made')).toBe('made inside\n');
  });

  it.each(services)('loses nothing when %s is started again in the middle of a turn', async (service) => {
    const turnId = await sayIn(ada, sessionId, viewer, `count until ${service}`);
    await model.control.untilWaiting(service);
    await compose('restart', '--timeout', '30', service);
    model.control.release(service);
    await expectWhole(turnId);
  });

  it('loses nothing by an upgrade: other containers of every role, the same session', async () => {
    const before = await containerOf('api');
    const next = 'upgraded';
    for (const image of [providedEngine().serverImage, providedEngine().sessionImage])
      expect(await docker(['tag', image, `${image.split(':')[0] ?? ''}:${next}`])).toMatchObject({ code: 0 });
    await appendFile(join(clone, '.env'), `REMOTE_CLAUDE_VERSION=${next}\n`);
    const turnId = await sayIn(ada, sessionId, viewer, 'count until upgraded');
    await model.control.untilWaiting('upgraded');
    await compose('up', '--detach', '--no-build', '--wait', '--wait-timeout', '240', ...services);
    model.control.release('upgraded');
    await expectWhole(turnId);
    expect(await containerOf('api')).not.toBe(before);
    expect(await fileOf('made')).toBe('made inside\n');
  });

  it('comes back from a backup, by the commands of the manual, where nothing of it is left', async () => {
    await ada.client.call(routes.sessions.stop, { params: { id: sessionId } });
    await viewer.event('place.changed', (event) => event.status === 'stopped', 60_000);
    viewer.close();
    await byTheManual('Back up');
    const epoch = await epochOf();
    await compose('--profile', '*', 'down', '--volumes', '--timeout', '20');
    const { stdout: volumes } = await docker(['volume', 'ls', '--quiet', '--filter', `name=${project}-`]);
    expect(volumes).toContain(`${project}-engine\n`);
    expect(await docker(['volume', 'rm', ...volumes.trim().split('\n')])).toMatchObject({ code: 0 });
    await byTheManual('Restore');
    await compose('up', '--detach', '--no-build', '--wait', '--wait-timeout', '240', ...services);
    await ada.client.call(routes.sessions.start, { params: { id: sessionId } });
    expect(await epochOf()).not.toBe(epoch);
    const answer = await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'Hi' } });
    expect(answer).toMatchObject({ outcome: 'completed', message: 'Hello.' });
    expect(await fileOf('made')).toBe('made inside\n');
  }, 600_000);
});

/** As they are written, but for images that are not to be fetched or built here. */
const byTheManual = async (heading: string): Promise<void> => {
  const { baseImage, dockerPath, composePath } = providedEngine();
  const script = (await commandsOf('operating/compose.md', heading))
    .replaceAll('debian:bookworm-slim', baseImage)
    .replace(/^docker compose up -d$/m, `docker compose up -d --no-build ${services.join(' ')}`);
  const shim = join(clone, 'bin');
  await mkdir(shim, { recursive: true });
  const words = `#!/bin/sh\n[ "$1" = compose ] && shift && exec ${composePath} "$@"\nexec ${dockerPath} "$@"\n`;
  await writeFile(join(shim, 'docker'), words, { mode: 0o755 });
  const said = await run('sh', ['-c', script], { PATH: `${shim}:/usr/local/bin:/usr/bin:/bin` });
  expect(said, `${heading}: ${said.stdout}\n${said.stderr}`).toMatchObject({ code: 0 });
};

const epochOf = async (): Promise<string> => {
  const query = `select epoch from sessions where id = '${sessionId}'`;
  const psql = `PGPASSWORD=$(cat /run/secrets/database_password) psql -U remote_claude -d remote_claude -At -c "${query}"`;
  return (await compose('exec', '-T', 'db', 'sh', '-c', psql)).trim();
};

const containerOf = async (service: string): Promise<string> => (await compose('ps', '--quiet', service)).trim();

const fileOf = async (path: string): Promise<string> => {
  const headers = { authorization: `Bearer ${ada.token}` };
  return (await reached.ask({ path: `/api/sessions/${sessionId}/files/${path}`, headers })).body.toString();
};

/** The turn ends with every number once, and the viewer has seen every event once. */
const expectWhole = async (turnId: TurnId): Promise<void> => {
  expect(await endOfTurn(viewer, turnId, 120_000)).toMatchObject({ outcome: 'completed' });
  const said = viewer
    .events()
    .flatMap(({ event }) => (event.type === 'text' && event.turnId === turnId ? [event.text.text] : []));
  const numbers = (said.at(-1)?.match(/token-\d+/g) ?? []).map((token) => Number(token.slice('token-'.length)));
  expect(numbers).toEqual(upTo(tokens));
  expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);
  expect(await docker(['ps', '--quiet', '--filter', `name=${project}-${sessionId}`])).toMatchObject({
    stdout: expect.stringMatching(/^\w+\n$/),
  });
};
