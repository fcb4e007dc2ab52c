/** A docker driver with names, a label and folders of its own on an engine that is there, for tests. It ends what it started. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Driver } from '../../driver.js';
import { createEngineClient } from '../../drivers/docker/client.js';
import { askEngineId, createDockerDriver } from '../../drivers/docker/driver.js';
import type { DockerDriverOptions } from '../../drivers/docker/driver.js';
import { disksOf, labels } from '../../drivers/docker/names.js';
import type { DriverHarness, InsideHarness } from '../conformance-harness.js';

export interface DockerEngine {
  /** `unix:///…` */
  host: string;
  /** A session's image, with Node at `/usr/local/bin/node`. */
  image: string;
  runtime: 'runc' | 'runsc';
}

export interface DockerHarness extends DriverHarness {
  options: DockerDriverOptions;
  inside: InsideHarness;
}

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export async function makeDockerHarness({ host, image, runtime }: DockerEngine): Promise<DockerHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'rc-'));
  const id = randomUUID().slice(0, 8);
  const named = { engine: { host, tls: null }, prefix: `test-${id}`, installation: id };
  const options: DockerDriverOptions = {
    ...named,
    engineId: await askEngineId({ ...named, make: true }),
    socketDir: join(folder, 's'),
    image,
    runtime,
    user: { uid: 1000, gid: 1000 },
    gateway: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    seccompProfile: null,
    apparmorProfile: null,
  };
  const hiddenFile = join(folder, 'hidden');
  writeFileSync(hiddenFile, 'secret', { mode: 0o644 });
  const mounted = join(folder, 'mounted');
  mkdirSync(mounted);
  writeFileSync(join(mounted, 'file'), 'mounted', { mode: 0o644 });
  const mount = { source: mounted, target: '/opt/conformance' };

  const drivers: Driver[] = [];
  const sessions = new Set<string>();
  const reopen = (): Driver => {
    const driver = createDockerDriver(options);
    drivers.push(driver);
    return {
      ...driver,
      start: (spec, ...rest) => {
        sessions.add(spec.sessionId);
        return driver.start(spec, ...rest);
      },
    };
  };
  const volumesOf = (sessionId: string) => disksOf(options, sessionId).map(({ name }) => name);
  return {
    options,
    driver: reopen(),
    reopen,
    base: {
      environment: { PATH: systemPath, HOME: '/home/claude' },
      limits: { cpus: 2, memoryBytes: 1024 ** 3, processes: 256, openFiles: 4096 },
      readOnlyMounts: [mount],
    },
    commands: {
      idle: ['/bin/sleep', '100000'],
      exit: (code) => ['/bin/sh', '-c', 'exit "$0"', String(code)],
      stubborn: ['/bin/bash', '-c', "trap '' TERM; sleep 100000"],
    },
    losses: [
      { how: 'all its volumes', lose: async (id) => removeAll(options, volumesOf(id)) },
      ...volumesOf('any').map((_volume, index) => ({
        how: `its volume ${index + 1}`,
        lose: async (id: string) => removeAll(options, volumesOf(id).slice(index, index + 1)),
      })),
      {
        how: 'all of it, and the engine made it anew for another container',
        lose: async (id) => {
          await removeAll(options, volumesOf(id));
          const docker = await createEngineClient(options.engine)();
          const Binds = volumesOf(id).map((volume, index) => `${volume}:/mnt/${index}`);
          const other = await docker.createContainer({ Image: image, HostConfig: { Binds } });
          await other.remove();
        },
      },
    ],
    remains: async (id) => {
      const docker = await createEngineClient(options.engine)();
      const containers = await docker.listContainers({ all: true, filters: { label: [`${labels.session}=${id}`] } });
      const { Volumes: volumes } = await docker.listVolumes({});
      const there = volumes.map(({ Name: name }) => name).filter((name) => volumesOf(id).includes(name));
      return [...there.sort(), ...containers.map(({ Id: container }) => container)];
    },
    inside: {
      node: '/usr/local/bin/node',
      network: 'none',
      kernel: runtime === 'runsc' ? 'own' : 'shared',
      users: 'shared',
      hiddenFile,
      mountedFile: { mount, name: 'file', content: 'mounted' },
    },
    close: async () => {
      const last = createDockerDriver(options);
      for (const sessionId of sessions) await last.destroy(sessionId);
      await removeVolumes(options);
      for (const driver of [...drivers, last]) await driver.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function removeAll({ engine }: DockerDriverOptions, volumes: string[]): Promise<void> {
  const docker = await createEngineClient(engine)();
  for (const volume of volumes) await docker.getVolume(volume).remove();
}

/** What outlives sessions on an engine: copies of the server's files. */
async function removeVolumes({ engine, installation }: DockerDriverOptions): Promise<void> {
  const docker = await createEngineClient(engine)();
  const { Volumes: found } = await docker.listVolumes({
    filters: { label: [`${labels.installation}=${installation}`] },
  });
  for (const { Name: name } of found) await docker.getVolume(name).remove();
}
