import fc from 'fast-check';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ComputeError } from '../../driver.js';
import type { Driver, PlaceSpec } from '../../driver.js';
import { startRecordingEngine } from '../../testing/docker/recording-engine.js';
import type { AskedOfEngine, RecordingEngine } from '../../testing/docker/recording-engine.js';
import { askEngineId, createDockerDriver } from './driver.js';
import { sharedKernelProfile } from './seccomp.js';

let engine: RecordingEngine;
let driver: Driver;
let folder: string;

beforeAll(async () => {
  engine = await startRecordingEngine();
  folder = mkdtempSync(join(tmpdir(), 'rc-'));
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files', 'one'), 'one');
  const named = { engine: { host: engine.host, tls: null }, prefix: 'claude-session', installation: 'here' };
  driver = createDockerDriver({
    ...named,
    engineId: await askEngineId({ ...named, make: true }),
    socketDir: '/run/sockets',
    image: 'the-image',
    runtime: 'runc',
    user: { uid: 1000, gid: 1000 },
    gateway: { uid: 7, gid: 7 },
    seccompProfile: null,
    apparmorProfile: null,
  });
});
afterAll(async () => {
  await driver?.close();
  await engine?.close();
  rmSync(folder, { recursive: true, force: true });
});

const created = (from: number): Record<string, unknown>[] =>
  engine.asked
    .slice(from)
    .filter(({ path }: AskedOfEngine) => path === '/containers/create')
    .map(({ body }) => body as Record<string, unknown>);

/** Words that would open a container, were they taken as anything but text. */
const evil = fc.constantFrom(
  'Privileged',
  '"HostConfig":{"Privileged":true}',
  '/var/run/docker.sock:/var/run/docker.sock',
  '/:/host:rw',
  'host',
  '--privileged',
  'SYS_ADMIN',
  '/dev/mem',
  '__proto__',
  'a\nHostConfig',
  '../../..',
  '$(id)',
);
const word = fc.oneof(evil, fc.string(), fc.string({ unit: 'binary' }));
/** Mostly right, so that many specifications get as far as the engine. */
const mostly = <T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: wrong });
const number = mostly(fc.integer({ min: 1, max: 2 ** 36 }), fc.oneof(fc.double(), fc.constantFrom(-1, 0, Number.NaN)));
const id = mostly(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), word);
const target = mostly(fc.constantFrom('/opt/a', '/etc/b', '/srv/c/d'), fc.oneof(fc.constantFrom('/', '/run'), word));
const text = mostly(
  word.map((given) => given.replaceAll('\0', '')),
  word,
);
const name = mostly(
  fc.oneof(fc.stringMatching(/^[A-Z_]{1,20}$/), fc.constantFrom('LD_PRELOAD', 'PATH', 'DOCKER_HOST')),
  word,
);

const images = ['debian', 'registry.example:5000/team/image:1.2', `sha256:${'0'.repeat(64)}`];

const anySpec = fc.record(
  {
    sessionId: id,
    placeId: id,
    disk: mostly(fc.constant('new'), word),
    command: fc.array(text, { minLength: 1, maxLength: 4 }),
    environment: fc.array(fc.tuple(name, text), { maxLength: 4 }),
    limits: fc.record({ cpus: number, memoryBytes: number, processes: number, openFiles: number }),
    mounts: fc.array(target, { maxLength: 2 }),
    // What no specification has, as an unchecked caller could hand it on.
    HostConfig: fc.constant({ Privileged: true, Binds: ['/:/host'], PidMode: 'host', CapAdd: ['ALL'] }),
    Privileged: fc.constant(true),
    image: fc.oneof(fc.constantFrom(...images), word),
  },
  { requiredKeys: ['sessionId', 'placeId', 'disk', 'command', 'environment', 'limits', 'mounts'] },
);

const fixed = {
  NetworkMode: 'none',
  Privileged: false,
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  CapAdd: [],
  SecurityOpt: ['no-new-privileges:true', `seccomp=${sharedKernelProfile}`],
  IpcMode: 'private',
  PidMode: '',
  UTSMode: '',
  UsernsMode: '',
  Devices: [],
  PublishAllPorts: false,
  Runtime: 'runc',
  RestartPolicy: { Name: 'no' },
};
const known = [
  ...[...Object.keys(fixed), 'MaskedPaths', 'ReadonlyPaths', 'Init', 'Memory', 'MemorySwap', 'NanoCpus', 'PidsLimit'],
  ...['OomScoreAdj', 'Ulimits', 'ShmSize', 'Tmpfs', 'Binds', 'Mounts', 'AutoRemove', 'LogConfig'],
];

interface HostConfig {
  Binds: string[];
  Mounts: { Type: string; Source: string; Target: string; ReadOnly: boolean }[];
}

const checkSession = (body: Record<string, unknown>, image: string): void => {
  const host = body['HostConfig'] as HostConfig;
  expect(host).toMatchObject(fixed);
  expect(Object.keys(host).filter((key) => !known.includes(key))).toEqual([]);
  expect(host.Binds).toEqual([
    expect.stringMatching(/^\/run\/sockets\/[0-9a-f]{16}\/agent:\/run\/remote-claude\/agent:rw$/),
    expect.stringMatching(/^\/run\/sockets\/[0-9a-f]{16}\/gateway:\/run\/remote-claude\/gateway:ro$/),
  ]);
  for (const { Type: type, Source: source, Target: at, ReadOnly: isReadOnly } of host.Mounts) {
    expect(type).toBe('volume');
    expect(source).toMatch(/^claude-session-[A-Za-z0-9_-]+$/);
    const isDisk = ['/workspace', '/home/claude', '/var/lib/remote-claude'].includes(at);
    expect(isDisk || /^\/(?:opt|etc|mnt|srv)\//.test(at), at).toBe(true);
    expect(isReadOnly).toBe(!isDisk);
  }
  expect(body).toMatchObject({ Image: image, User: '1000:1000', WorkingDir: '/workspace' });
  for (const key of ['Privileged', 'image', 'NetworkingConfig', 'ExposedPorts', 'Volumes'])
    expect(body).not.toHaveProperty(key);
};

const checkHelper = (body: Record<string, unknown>): void => {
  expect(body).toMatchObject({ Entrypoint: ['/nonexistent'], NetworkDisabled: true });
  const host = body['HostConfig'] as HostConfig;
  expect(host).toMatchObject({ NetworkMode: 'none', CapDrop: ['ALL'] });
  for (const bind of host.Binds) expect(bind).toMatch(/^\/run\/sockets:\/sockets-[\da-f-]{36}:rw$/);
  for (const mount of host.Mounts) expect(mount).toMatchObject({ Type: 'volume', VolumeOptions: { NoCopy: true } });
};

it('asks the engine for nothing dangerous, whatever it is handed', async () => {
  let started = 0;
  const property = fc.asyncProperty(anySpec, async ({ mounts, environment, ...rest }) => {
    const from = engine.asked.length;
    const readOnlyMounts = mounts.map((at) => ({ source: join(folder, 'files'), target: at }));
    try {
      await driver.start({ ...rest, environment: Object.fromEntries(environment), readOnlyMounts } as PlaceSpec);
      started += 1;
    } catch (error) {
      expect(error).toBeInstanceOf(ComputeError);
      expect((error as ComputeError).code).toBe('bad_spec');
    }
    for (const body of created(from)) {
      const marked = body['Labels'] as Record<string, string>;
      expect(marked['remote-claude.installation']).toBe('here');
      if (marked['remote-claude.helper'] === 'true') checkHelper(body);
      else checkSession(body, rest.image ?? 'the-image');
      expect(body['Image']).toMatch(/^[A-Za-z0-9./:@_-]+$/);
    }
  });
  await fc.assert(property, { numRuns: 500 });
  expect(started).toBeGreaterThan(50);
}, 120_000);

it('makes one container of a session, with its limits and no more of the machine than it has', async () => {
  const from = engine.asked.length;
  await driver.start({
    sessionId: 'whole',
    placeId: 'one',
    disk: 'new',
    command: ['/bin/true'],
    environment: { PRIVILEGED: 'true' },
    limits: { cpus: 99, memoryBytes: 2 ** 30, processes: 100, openFiles: 1024 },
  });
  const sessions = created(from).filter(({ Env }) => Env !== undefined);
  expect(sessions).toHaveLength(1);
  expect(sessions[0]).toMatchObject({
    Entrypoint: ['/bin/true'],
    Env: ['PRIVILEGED=true'],
    HostConfig: { NanoCpus: 4e9, Memory: 2 ** 30, MemorySwap: 2 ** 30, PidsLimit: 100 },
  });
});
