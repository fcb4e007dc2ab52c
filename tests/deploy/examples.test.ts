// The example files for other proxies, held against what a proxy before the web must do. They are parsed and merged with
// compose.yaml as Compose does it for what they name; Traefik and Envoy themselves are not run.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
type Tree = Record<string, unknown>;
const treeOf = async (path: string): Promise<Tree> => parse(await read(path), { merge: true }) as Tree;

/** Every value under this key, wherever it stands. */
const valuesOf = (tree: unknown, key: string): unknown[] => {
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.entries(tree).flatMap(([name, value]) => [...(name === key ? [value] : []), ...valuesOf(value, key)]);
};

describe.each(['traefik', 'envoy'])('the example for %s', (name) => {
  let service: Tree;
  let proxy: Tree;
  beforeAll(async () => {
    const example = await treeOf(`deploy/examples/${name}/compose.yaml`);
    expect(Object.keys(example)).toEqual(['services']);
    service = (example['services'] as Record<string, Tree>)[name] ?? {};
    proxy = ((await treeOf('compose.yaml'))['services'] as Record<string, Tree>)['proxy'] ?? {};
  });

  it('is enclosed as the shipped proxy is, takes its place and reaches what it reaches', () => {
    for (const key of ['init', 'read_only', 'cap_drop', 'security_opt', 'restart', 'logging', 'ports', 'networks'])
      expect(service[key], key).toEqual(proxy[key]);
    expect(service['user']).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    for (const key of ['mem_limit', 'cpus', 'pids_limit', 'healthcheck']) expect(service[key], key).toBeDefined();
    for (const key of ['privileged', 'cap_add', 'network_mode', 'pid']) expect(service[key], key).toBeUndefined();
  });

  it('mounts the certificate and files that are there, to be read only, and no engine', async () => {
    const volumes = service['volumes'] as string[];
    expect(volumes.every((volume) => volume.endsWith(':ro') && !volume.includes('sock'))).toBe(true);
    expect(volumes).toContain('${SECRETS_DIR:-./secrets}/tls:/etc/remote-claude/tls:ro');
    for (const volume of volumes.filter((one) => one.startsWith('./')))
      expect((await read(volume.split(':')[0] ?? '')).length).toBeGreaterThan(100);
  });
});

describe('the routes of Traefik', () => {
  it('pass Host and streams, wait for long, and close what is the operator’s', async () => {
    const routes = await treeOf('deploy/examples/traefik/routes.yaml');
    const compose = await read('deploy/examples/traefik/compose.yaml');
    expect(valuesOf(routes, 'passHostHeader')).toEqual([true]);
    expect(valuesOf(routes, 'flushInterval')).toEqual(['-1ms']);
    expect(valuesOf(routes, 'responseHeaderTimeout')).toEqual(['900s']);
    expect(valuesOf(routes, 'minVersion')).toEqual(['VersionTLS12']);
    expect(valuesOf(routes, 'stsSeconds')).toEqual([31_536_000]);
    expect(valuesOf(routes, 'customRequestHeaders')).toEqual([{ 'X-Request-Id': '', 'X-Real-IP': '', Forwarded: '' }]);
    for (const timeout of ['readTimeout', 'writeTimeout'])
      expect(compose).toContain(`--entryPoints.https.transport.respondingTimeouts.${timeout}=0s`);
    expect(compose).not.toMatch(/^\s*- --.*(insecure|docker)/m);
    // Each route has a service and each of its middlewares is there.
    const { routers, middlewares, services } = routes['http'] as Record<string, Record<string, Tree>>;
    for (const router of Object.values(routers ?? {})) {
      expect(Object.keys(services ?? {})).toContain(router['service']);
      for (const used of router['middlewares'] as string[]) expect(Object.keys(middlewares ?? {})).toContain(used);
    }
    expect(routers?.['operators']?.['rule']).toContain('Path(`/metrics`) || Path(`/readyz`)');
    expect(Number(routers?.['operators']?.['priority'])).toBeGreaterThan(Number(routers?.['page']?.['priority']));
  });
});

describe('the configuration of Envoy', () => {
  it('passes WebSockets and streams, waits for long, and closes what is the operator’s', async () => {
    const envoy = await treeOf('deploy/examples/envoy/envoy.yaml');
    expect(valuesOf(envoy, 'upgrade_configs')).toEqual([[{ upgrade_type: 'websocket' }]]);
    expect(valuesOf(envoy, 'request_timeout')).toEqual(['0s']);
    expect(valuesOf(envoy, 'timeout')).toEqual(['0s']);
    expect(valuesOf(envoy, 'stream_idle_timeout')).toEqual(['900s']);
    expect(valuesOf(envoy, 'use_remote_address')).toEqual([true]);
    expect(valuesOf(envoy, 'preserve_external_request_id')).toEqual([false]);
    expect(valuesOf(envoy, 'tls_minimum_protocol_version')).toEqual(['TLSv1_2']);
    expect(valuesOf(envoy, 'regex')).toEqual(['/(metrics|readyz)']);
    // A buffer would keep a stream back and an upload in memory.
    expect(valuesOf(envoy, 'name').filter((name) => String(name).includes('buffer'))).toEqual([]);
    const clusters = valuesOf(envoy, 'clusters').flat() as Tree[];
    expect(valuesOf(envoy, 'cluster')).toEqual(clusters.map(({ name }) => name));
    // The web's address as compose.yaml has it.
    const web = /ipv4_address: '\$\{FRONT_NETWORK:-([\d.]+)\}\.3'/.exec(await read('compose.yaml'))?.[1];
    expect(valuesOf(clusters, 'socket_address')).toEqual([{ address: `${web}.3`, port_value: 3_000 }]);
    const { filter_chains: chains } = (valuesOf(envoy, 'listeners').flat() as Tree[])[1] ?? {};
    expect(valuesOf(chains, 'domains')).toEqual([['claude.example.org']]);
  });
});
