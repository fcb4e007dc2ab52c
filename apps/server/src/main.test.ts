// The composition as a whole: that every key of the configuration is read by something, or can hold one value only.

import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRecordingEngine } from '@remote-claude/compute/testing';
import { stringify } from 'yaml';
import { expect, test } from 'vitest';

import { startServer, type ServerAssets } from './main.js';
import { loadConfig, type Config } from './platform/config/load.js';

const load = (tree: unknown): Config =>
  loadConfig({ file: { path: 'test.yaml', text: stringify(tree) }, env: {}, readSecretFile: () => '' });

/** A copy that writes down the path of every value that is read from it. */
const recording = (value: unknown, path: string, read: Set<string>): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return new Proxy(
    { ...value },
    {
      get(target, name) {
        const at = `${path}.${String(name)}`;
        read.add(at);
        return recording(Reflect.get(target, name), at, read);
      },
    },
  );
};

const leavesOf = (value: unknown, path: string): string[] =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? [path]
    : Object.entries(value).flatMap(([key, child]) => leavesOf(child, `${path}.${key}`));

/** Keys with one possible value, which is what the product does anyway; each with what must be refused. */
const fixed: Readonly<Record<string, readonly unknown[]>> = {
  'auth.provider': ['google', 'ldap', 'none'],
  'security.container.capabilities': [['NET_ADMIN']],
  'security.encryption': [false, 'no'],
  'security.audit': [false, 'no'],
  'storage.type': ['s3', 'none'],
};

/** Keys that a process with all roles has no use for; tests/faults/roles.test.ts starts those that have. */
const ofRolesApart = ['host', 'port', 'gatewayUrl', 'sessionManagerUrl', 'certificate', 'key', 'ca'].map(
  (name) => `server.internal.${name}`,
);

/** Built parts that nothing of a start runs. */
const fakeAssets = async (folder: string): Promise<ServerAssets> => {
  const file = async (name: string): Promise<string> => {
    await writeFile(join(folder, name), name);
    return join(folder, name);
  };
  for (const name of ['agent', 'web']) await mkdir(join(folder, name));
  await file('agent/agent.mjs');
  await file('web/index.html');
  return {
    version: '0.0.0',
    agentDir: join(folder, 'agent'),
    webDir: join(folder, 'web'),
    scriptedModel: await file('model.js'),
    claudePath: await file('claude'),
    ripgrepPath: await file('rg'),
  };
};

test('every key that is accepted is used', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rc-main-'));
  await chmod(folder, 0o711);
  const engine = await startRecordingEngine();
  try {
    const read = new Set<string>();
    const assets = await fakeAssets(folder);
    let leaves: string[] = [];
    // What one driver has no use for, the other has.
    for (const compute of [{ driver: 'process' }, { driver: 'docker', docker: { host: engine.host } }]) {
      const config = load({
        server: { port: 0, dataDir: join(folder, 'data') },
        monitoring: { logging: { level: 'error', destinations: ['console', 'file'] } },
        compute,
      });
      const server = await startServer({ config: recording(config, '', read) as Config, assets });
      await server.close();
      leaves = leavesOf(config, '');
    }
    const unread = leaves.flatMap((leaf) => (read.has(leaf) ? [] : [leaf.slice(1)]));
    expect(unread.sort()).toEqual([...Object.keys(fixed), ...ofRolesApart].sort());
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);

test.each(Object.entries(fixed).flatMap(([key, values]) => values.map((value) => [key, value] as const)))(
  '%s cannot be %j',
  (key, value) => {
    const tree = key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
    expect(() => load(tree)).toThrow(key);
  },
);
