// compose.yaml as it is shipped, read as a table: how each container is enclosed, whom it reaches and what it is told; and the
// script that prepares a clone for it.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, readConfig } from '@remote-claude/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';

import { builtEnv } from '../support/config.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Service {
  image: string;
  user: string;
  command?: string[];
  environment?: Record<string, string>;
  networks?: string[] | Record<string, unknown>;
  secrets?: string[];
  volumes?: (string | { source: string; target: string })[];
  ports?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  [key: string]: unknown;
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
  secrets: Record<string, { file?: string }>;
}

let source: string;
let compose: Compose;
beforeAll(async () => {
  source = await readFile(join(root, 'compose.yaml'), 'utf8');
  compose = parse(source, { merge: true }) as Compose;
});

const serviceOf = (name: string): Service => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};
const networksOf = ({ networks = [] }: Service): string[] =>
  Array.isArray(networks) ? networks : Object.keys(networks);

const ofRoles = ['database_password', 'redis_password', 'master_key', 'metrics_token'];
/** [service, networks, secrets, what of the machine it sees] */
const table: [string, string[], string[], string[]][] = [
  ['web', ['front'], ['metrics_token'], []],
  ['api', ['front', 'inside', 'data'], ofRoles, []],
  ['session-manager', ['inside', 'data'], ofRoles, ['DOCKER_SOCKET']],
  ['gateway', ['inside', 'data', 'out'], [...ofRoles, 'claude_api_key'], ['SOCKET_DIR']],
  ['db', ['data'], ['database_password'], []],
  ['redis', ['data'], ['redis_password'], []],
  ['entry', ['ingress', 'front'], [], ['deploy']],
  ['proxy', ['ingress', 'front'], [], ['deploy', 'SECRETS_DIR/tls', 'SECRETS_DIR/acme/webroot']],
  ['acme', ['out'], [], ['deploy', 'SECRETS_DIR/acme', 'SECRETS_DIR/tls']],
  ['prepare', [], [], ['SOCKET_DIR']],
  ['session-image', [], [], []],
];
const once = ['prepare', 'session-image'];
const names = table.map(([name]) => name);

/** Folders and files of the machine, by the variable that names them. */
const seen = ({ volumes = [] }: Service): string[] =>
  volumes
    .map((volume) => (typeof volume === 'string' ? volume : `${volume.source}:${volume.target}`))
    .filter((volume) => /^[./$]/.test(volume))
    .map((volume) => {
      const [, variable = '', rest = ''] = /^\$\{([A-Z_]+)[^}]*\}([^:]*):/.exec(volume) ?? [];
      return variable === '' ? 'deploy' : variable + rest;
    });

describe('compose.yaml', () => {
  it('has the services that are drawn, and no other', () => {
    expect(Object.keys(compose.services).sort()).toEqual([...names].sort());
  });

  it.each(table)('%s reaches, knows and sees what it needs, and nothing else', (name, networks, secrets, machine) => {
    const service = serviceOf(name);
    expect(networksOf(service)).toEqual(networks);
    expect(service.secrets ?? []).toEqual(secrets);
    expect(seen(service)).toEqual(machine);
    expect(service['network_mode']).toBe(networks.length === 0 ? 'none' : undefined);
  });

  it.each(names)('%s is enclosed', (name) => {
    const service = serviceOf(name);
    if (name === 'prepare') expect(service.user).toBe('0:0');
    else expect(service.user).toMatch(/^([1-9]\d*:[1-9]\d*|\$\{OWNER_UID:-1000\}:\$\{OWNER_GID:-1000\})$/);
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      init: true,
    });
    expect(service['cap_add']).toEqual(name === 'prepare' ? ['CHOWN'] : undefined);
    for (const key of ['privileged', 'pid', 'ipc', 'userns_mode', 'devices', 'cgroup', 'uts', 'sysctls', 'extra_hosts'])
      expect(service[key], key).toBeUndefined();
    for (const limit of ['mem_limit', 'cpus', 'pids_limit']) expect(service[limit], limit).toBeDefined();
    expect(service['logging']).toEqual({ driver: 'json-file', options: { 'max-size': '10m', 'max-file': '5' } });
    const isOnce = once.includes(name);
    expect(service['restart']).toBe(isOnce ? 'no' : 'unless-stopped');
    if (isOnce) expect(service.healthcheck).toEqual({ disable: true });
    else expect(service.healthcheck?.test?.length).toBeGreaterThan(1);
  });

  it('keeps database, Redis and the ports between roles from all others', () => {
    const isInternal = Object.entries(compose.networks).map(([name, network]) => [name, network?.internal === true]);
    expect(Object.fromEntries(isInternal)).toEqual({
      ingress: false,
      front: true,
      inside: true,
      data: true,
      out: false,
    });
    // Where people come in nothing gets out: what leaves is not masked as this machine.
    expect(compose.networks['ingress']).toMatchObject({
      driver_opts: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' },
    });
    const published = names.filter((name) => serviceOf(name).ports !== undefined);
    expect(published).toEqual(['entry', 'proxy']);
    expect(serviceOf('entry').ports).toEqual([
      '${BIND_ADDRESS:-127.0.0.1}:${WEB_PORT:-3000}:3000',
      '${BIND_ADDRESS:-127.0.0.1}:${API_PORT:-4000}:4000',
    ]);
  });

  it('has no password, and takes none from a variable: each is a file', () => {
    for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\$\{SECRETS_DIR[:?-]/);
    for (const name of names)
      for (const [variable, value] of Object.entries(serviceOf(name).environment ?? {}))
        if (/PASSWORD|KEY|SECRET|TOKEN/.test(variable)) expect(value, variable).toMatch(/^\/run\/secrets\/[a-z_]+$/);
    expect(source).not.toMatch(/:\/\/[^/\s]*:[^/\s$@{]+@/);
  });

  it('does not start before it was set up, and says what to do', () => {
    const required = [...source.matchAll(/\$\{([A-Z_]+):\?([^}]*)\}/g)].map(([, name, said]) => [name, said]);
    expect(required.map(([name]) => name)).toEqual(['DOCKER_GID', 'SECRETS_DIR']);
    for (const [, said] of required) expect(said).toContain('Run deploy/compose/set-up.sh first.');
  });

  it('takes the variables that .env.example explains, all of them', async () => {
    const example = await readFile(join(root, '.env.example'), 'utf8');
    const taken = [...source.matchAll(/(?<!\$)\$\{([A-Z_0-9]+)/g)].map(([, name]) => name);
    const explained = [...example.matchAll(/^#?([A-Z_0-9]+)=/gm)].map(([, name]) => name);
    expect([...new Set(explained)].sort()).toEqual([...new Set([...taken, 'COMPOSE_PROFILES'])].sort());
    // A default that stands in both is the same in both.
    for (const [, name = '', value = ''] of example.matchAll(/^#?([A-Z_0-9]+)=(.*)$/gm)) {
      const defaults = [...source.matchAll(new RegExp(`\\$\\{${name}:-([^}]*)\\}`, 'g'))].map(([, said]) => said);
      for (const said of defaults.filter((other) => other !== '')) expect(said, name).toBe(value);
    }
  });
});

describe('the configuration that comes with it', () => {
  const roles = ['web', 'api', 'session-manager', 'gateway'];

  /** Without what is the driver's: that is tried with the driver. */
  const shippedConfig = async (): Promise<string> => {
    const { compute, ...config } = parse(await readFile(join(root, 'deploy/compose/remote-claude.yaml'), 'utf8')) as {
      compute: unknown;
      security: { container?: unknown };
    };
    expect(compute).toMatchObject({ driver: 'docker' });
    delete config.security.container;
    return stringify(config);
  };

  it.each(roles)('is one that the %s starts with', async (role) => {
    const { environment = {}, secrets = [], command = [] } = serviceOf(role);
    expect(command).toContain(role);
    const folder = await mkdtemp(join(tmpdir(), 'rc-compose-'));
    try {
      const env: Record<string, string> = {};
      for (const [name, value] of Object.entries(environment)) {
        const secret = /^\/run\/secrets\/(.*)$/.exec(value)?.[1];
        if (secret === undefined) env[name] = value.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');
        else {
          expect(secrets).toContain(secret);
          env[name] = join(folder, secret);
          const said = secret === 'master_key' ? Buffer.alloc(32, 7).toString('base64') : `of-${secret}`;
          await writeFile(join(folder, secret), secret === 'claude_api_key' ? '' : said);
        }
      }
      await writeFile(join(folder, 'site.yaml'), await shippedConfig());
      const config = readConfig({ config: join(folder, 'site.yaml'), roles: role }, env);
      expect(config.server).toMatchObject({
        host: '0.0.0.0',
        publicUrl: 'http://localhost:3000',
        basePath: '/',
        trustedProxies: ['172.30.238.2', '172.30.238.3', '172.30.238.4'],
        apiUrl: role === 'web' ? 'http://api:4000' : null,
      });
      expect(config.claude.apiKey).toBeNull();
      expect(config.monitoring.metrics.token).toBe('of-metrics_token');
      const password = role === 'web' ? '' : 'of-database_password';
      expect(config.database.url).toBe(`postgres://remote_claude:${password}@db:5432/remote_claude`);
      expect(config.security.masterKey === null).toBe(role === 'web');
    } catch (error) {
      throw error instanceof ConfigError ? new Error(error.message, { cause: error }) : error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('set-up.sh', () => {
  let clone: string;
  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), 'rc-clone-'));
    await mkdir(join(clone, 'deploy'));
    await cp(join(root, 'deploy/compose'), join(clone, 'deploy/compose'), { recursive: true });
    await cp(join(root, 'compose.yaml'), join(clone, 'compose.yaml'));
    await writeFile(join(clone, 'engine.sock'), '');
    await writeFile(join(clone, 'pair.pem'), 'a pair');
  });
  afterAll(() => rm(clone, { recursive: true, force: true }));

  const setUp = (...args: string[]): Promise<{ code: number; said: string }> =>
    new Promise((resolve) => {
      const env = { ...builtEnv(), DOCKER_SOCKET: join(clone, 'engine.sock') };
      execFile('sh', ['deploy/compose/set-up.sh', ...args], { cwd: clone, env }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, said: stdout + stderr }),
      );
    });
  const read = (name: string): Promise<string> => readFile(join(clone, name), 'utf8');
  const secretNames = ['master_key', 'database_password', 'redis_password', 'metrics_token', 'claude_api_key'];

  it.each<[string, string[], RegExp]>([
    ['an option that there is not', ['--hots', 'x'], /Unknown: --hots/],
    ['an option without its value', ['--host'], /--host needs a value/],
    ['a host without a certificate', ['--host', 'a.example'], /--certificate and --key, or --acme/],
    ['a certificate without its key', ['--host', 'a.example', '--certificate', 'pair.pem'], /needs --key/],
    ['a certificate for nobody', ['--certificate', 'pair.pem', '--key', 'pair.pem'], /give --host/],
    ['both kinds', ['--host', 'a.b', '--certificate', 'pair.pem', '--key', 'pair.pem', '--acme', 'a@b.c'], /not both/],
    ['what is no name', ['--host', 'a b;c', '--acme', 'a@b.c'], /no host name/],
    ['what is no address', ['--host', 'a.example', '--acme', 'a b'], /no e-mail address/],
    ['a file that is not there', ['--api-key-file', 'none'], /none cannot be read/],
  ])('refuses %s, and makes nothing', async (_what, args, reason) => {
    const { code, said } = await setUp(...args);
    expect([code, said]).toEqual([1, expect.stringMatching(reason)]);
    await expect(stat(join(clone, '.env'))).rejects.toThrow();
    await expect(stat(join(clone, 'secrets'))).rejects.toThrow();
  });

  it('makes secrets of chance and a .env, and again leaves them as they are', async () => {
    expect(await setUp()).toMatchObject({ code: 0 });
    const [key = '', database = '', redis = '', metrics = '', api] = await Promise.all(
      secretNames.map((name) => read(`secrets/${name}`)),
    );
    expect(Buffer.from(key, 'base64')).toHaveLength(32);
    for (const password of [database, redis, metrics]) expect(password).toMatch(/^[0-9a-f]{48}$/);
    expect(database).not.toBe(redis);
    expect(api).toBe('');
    expect((await stat(join(clone, 'secrets'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(clone, '.env'))).mode & 0o777).toBe(0o600);
    const env = await read('.env');
    expect(env).toContain('PUBLIC_URL=http://localhost:3000\nSECRETS_DIR=./secrets\n');
    for (const secret of [key, database, redis, metrics]) expect(env).not.toContain(secret);
    expect(await setUp('--host', 'a.example', '--acme', 'a@b.c')).toMatchObject({ code: 0 });
    expect(await Promise.all(secretNames.map((name) => read(`secrets/${name}`)))).toEqual([
      ...[key, database, redis, metrics, api],
    ]);
    expect(await read('.env')).toBe(env);
  });

  it('takes a certificate and the key for the model, and renews the certificate when it is given again', async () => {
    await rm(join(clone, '.env'));
    await writeFile(join(clone, 'key-file'), 'the key\n');
    const given = [
      '--host',
      'a.example',
      '--certificate',
      'pair.pem',
      '--key',
      'pair.pem',
      '--api-key-file',
      'key-file',
    ];
    expect(await setUp(...given)).toMatchObject({ code: 0 });
    expect(await read('.env')).toMatch(
      /PUBLIC_URL=https:\/\/a\.example\n[^]*COMPOSE_PROFILES=tls\nPUBLIC_HOST=a\.example\n/,
    );
    expect(await read('secrets/claude_api_key')).toBe('the key');
    expect(await read('secrets/tls/fullchain.pem')).toBe('a pair');
    await writeFile(join(clone, 'pair.pem'), 'a new pair');
    expect(await setUp(...given)).toMatchObject({ code: 0 });
    expect(await read('secrets/tls/privkey.pem')).toBe('a new pair');
    // The proxy's user reads them; others on this machine cannot enter the folder above.
    expect((await stat(join(clone, 'secrets/tls/privkey.pem'))).mode & 0o777).toBe(0o444);
  });

  it('has somebody who is not root fetch certificates', async () => {
    await rm(join(clone, '.env'));
    await setUp('--host', 'a.example', '--acme', 'admin@a.example');
    expect(await read('.env')).toMatch(
      /COMPOSE_PROFILES=tls,acme\nPUBLIC_HOST=a\.example\nACME_EMAIL=admin@a\.example\nOWNER_UID=[1-9]\d*\nOWNER_GID=\d+\n/,
    );
  });
});
