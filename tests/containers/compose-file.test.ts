// compose.yaml as Docker Compose itself reads it: whole, refused before it was set up, and enclosed in its resolved form too.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { providedEngine } from '@remote-claude/compute/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Resolved {
  services: Record<
    string,
    {
      user: string;
      read_only: boolean;
      cap_drop: string[];
      security_opt: string[];
      mem_limit: string;
      cpus: number;
      pids_limit: number;
      ports?: { host_ip?: string; target: number; published: string }[];
      volumes?: { type: string; source: string; target: string; read_only?: boolean }[];
      networks?: Record<string, { ipv4_address?: string } | null>;
      environment?: Record<string, string>;
    }
  >;
  networks: Record<string, { internal?: boolean }>;
}

let clone: string;
beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), 'rc-clone-'));
  await mkdir(join(clone, 'deploy'));
  for (const part of ['compose.yaml', 'deploy/compose', 'deploy/nginx', 'deploy/examples'])
    await cp(join(root, part), join(clone, part), { recursive: true });
  await writeFile(join(clone, 'engine.sock'), '');
});
afterAll(() => rm(clone, { recursive: true, force: true }));

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
const compose = (...args: string[]): Promise<Said> => run(providedEngine().composePath, args);
const resolved = async (...args: string[]): Promise<Resolved> => {
  const { code, stdout, stderr } = await compose(...args, 'config', '--format', 'json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Resolved;
};
const everyProfile = ['--profile', 'tls', '--profile', 'acme'];

describe('compose.yaml for Docker Compose', () => {
  it('is refused before it was set up, with the sentence what to do', async () => {
    for (const command of ['config', 'up']) {
      const { code, stderr } = await compose(command);
      expect(code).not.toBe(0);
      expect(stderr).toContain('Run deploy/compose/set-up.sh first.');
    }
  });

  it('is whole after that, with the proxy or without', async () => {
    expect(await run('sh', ['deploy/compose/set-up.sh'], { DOCKER_SOCKET: join(clone, 'engine.sock') })).toMatchObject({
      code: 0,
    });
    const plain = Object.keys((await resolved()).services).sort();
    expect(plain).toEqual(
      ['api', 'db', 'entry', 'gateway', 'prepare', 'redis', 'session-image', 'session-manager', 'web'].sort(),
    );
    const all = Object.keys((await resolved(...everyProfile)).services).sort();
    expect(all).toEqual([...plain, 'proxy', 'acme'].sort());
    for (const name of ['traefik', 'envoy']) {
      const files = ['-f', 'compose.yaml', '-f', `deploy/examples/${name}/compose.yaml`];
      const { code, stderr } = await run(providedEngine().composePath, [...files, 'config', '--quiet'], {
        PUBLIC_HOST: 'claude.example.org',
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
  });

  it('encloses every container in its resolved form', async () => {
    const { services, networks } = await resolved(...everyProfile);
    for (const [name, service] of Object.entries(services)) {
      expect(service, name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect(Number(service.mem_limit), name).toBeGreaterThan(0);
      expect([service.cpus > 0, service.pids_limit > 0], name).toEqual([true, true]);
      expect(service.user === '0:0', name).toBe(name === 'prepare');
    }
    const holders = (part: string): string[] =>
      Object.entries(services)
        .filter(([, { volumes = [] }]) => volumes.some(({ source }) => source.includes(part)))
        .map(([name]) => name)
        .sort();
    expect(holders('engine.sock')).toEqual(['session-manager']);
    expect(holders('remote-claude-sockets')).toEqual(['gateway', 'prepare']);
    const isInternal = Object.entries(networks).filter(([, { internal }]) => internal === true);
    expect(isInternal.map(([name]) => name).sort()).toEqual(['data', 'front', 'inside']);
    // The way out is the gateway's, and that of who fetches certificates.
    const reach = (network: string): string[] =>
      Object.entries(services)
        .filter(([, { networks: joined }]) => joined?.[network] !== undefined)
        .map(([name]) => name)
        .sort();
    expect([reach('out'), reach('ingress'), reach('default')]).toEqual([['acme', 'gateway'], ['entry', 'proxy'], []]);
    // The addresses that web and api trust are those that proxy, web and entry have.
    const addressOf = (name: string) => services[name]?.networks?.['front']?.ipv4_address;
    const known = ['proxy', 'web', 'entry'].map(addressOf).join(',');
    for (const name of ['web', 'api']) expect(services[name]?.environment?.['TRUSTED_PROXIES']).toBe(`${known},`);
    expect(services['entry']?.environment?.['API']).toBe(`${addressOf('api')}:4000`);
    expect(services['entry']?.ports?.map(({ host_ip: host, target, published }) => [host, target, published])).toEqual([
      ['127.0.0.1', 3000, '3000'],
      ['127.0.0.1', 4000, '4000'],
    ]);
    for (const name of ['web', 'api']) expect(services[name]?.ports).toBeUndefined();
  });

  it('takes the word of a proxy that is named beside them, and visitors by IPv6, where that is said', async () => {
    const more = { MORE_TRUSTED_PROXIES: '172.30.238.7,172.30.238.8', VISITORS_BY_IPV6: 'true' };
    const { code, stdout } = await run(providedEngine().composePath, ['config', '--format', 'json'], more);
    expect(code).toBe(0);
    const { services, networks } = JSON.parse(stdout) as Resolved;
    expect(services['api']?.environment?.['TRUSTED_PROXIES']).toMatch(/\.4,172\.30\.238\.7,172\.30\.238\.8$/);
    expect(services['entry']?.environment?.['IPV6']).toBe('true');
    expect(networks['ingress']).toMatchObject({ enable_ipv6: true });
  });
});
