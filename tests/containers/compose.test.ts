// `docker compose up` of the shipped file with the images that were built here: people sign in through nginx over TLS, the roles
// reach each other and nobody else does, and each service can be started again.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { providedEngine } from '@remote-claude/compute/testing';
import { routes } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';

import { docker } from '../support/container.js';
import type { Person } from '../support/people.js';
import { makeCertificate, openTlsSite, setUpOverTls, type TlsSite } from '../support/tls-site.js';
import { until } from '../support/wait.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const name = 'claude.test';
const project = `rc-${randomUUID().slice(0, 8)}`;
/** The session-manager needs the driver of this engine, which is tried by tests of its own. */
const services = ['db', 'redis', 'gateway', 'api', 'web', 'proxy'];

let clone: string;
let site: TlsSite;
let ada: Person;

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
  const { socketPath, servicesImage, serverImage, address } = providedEngine();
  const setUp = await run('sh', ['deploy/compose/set-up.sh', ...given], { DOCKER_SOCKET: socketPath });
  expect(setUp).toMatchObject({ code: 0 });
  // The driver's keys belong to the session-manager.
  const { compute: _driver, ...config } = parse(
    await readFile(join(clone, 'deploy/compose/remote-claude.yaml'), 'utf8'),
  ) as {
    compute: unknown;
    security: { container?: unknown };
  };
  delete config.security.container;
  await writeFile(join(clone, 'site.yaml'), stringify(config));
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
  site = openTlsSite({ url: `https://${name}`, address, ca: await readFile(files.certificate, 'utf8') });
}, 400_000);

afterAll(async () => {
  site?.close();
  await run(providedEngine().composePath, ['--profile', '*', 'down', '--volumes', '--timeout', '20']);
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
        ['master_key', 'database_password', 'redis_password'].map((file) =>
          readFile(join(clone, 'secrets', file), 'utf8'),
        ),
      );
      for (const secret of secrets) expect(stdout, service).not.toContain(secret);
    }
  });

  it('is signed in to through nginx over TLS', async () => {
    const link = /one-time link: (\S+)/.exec(await compose('logs', '--no-color', 'api'))?.[1];
    expect(link).toMatch(/^https:\/\/claude\.test\/setup\//);
    ada = await setUpOverTls(site, link ?? null);
    const page = await site.ask({ path: '/' });
    expect([page.status, page.headers['strict-transport-security']]).toEqual([200, 'max-age=31536000']);
    // By way of the gateway, in a container of its own.
    expect(await ada.client.call(routes.settings.getModel, {})).toMatchObject({ source: 'none' });
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

  it.each(services)('goes on after a restart of %s', async (service) => {
    await compose('restart', '--timeout', '30', service);
    const email = await until(async () => (await ada.client.call(routes.auth.currentUser, {})).user.email, {
      what: `an answer after the restart of ${service}`,
      timeoutMs: 90_000,
    });
    expect(email).toBe(ada.email);
  });
});
