// The configuration of a product whose sessions are containers of the tests' engine, and their end. It starts no engine.

import { randomUUID } from 'node:crypto';
import type { TestEngine } from '@remote-claude/compute/testing';
import Docker from 'dockerode';
import { parse, stringify } from 'yaml';

export interface Contained {
  engine: Pick<TestEngine, 'socketPath' | 'sessionImage'>;
  runtime: 'runc' | 'runsc';
  /** Begins the names of all that the product makes on the engine. */
  prefix: string;
}

export const newPrefix = (): string => `test-${randomUUID().slice(0, 8)}`;

/** YAML: this configuration, with sessions in containers. */
export const withContainers = (config: string, contained: Contained): string => {
  const [given, ours] = [config, containersConfig(contained)].map((text) => parse(text) as Tree);
  return stringify(merge(given ?? {}, ours ?? {}));
};

interface Tree {
  [key: string]: Tree | string | number;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

const merge = (one: Tree, other: Tree): Tree => {
  const both = Object.entries(other).map(([key, value]): [string, Tree[string]] => {
    const before = one[key];
    return [key, isTree(before) && isTree(value) ? merge(before, value) : value];
  });
  return { ...one, ...Object.fromEntries(both) };
};

/** YAML. */
const containersConfig = ({ engine, runtime, prefix }: Contained): string => `compute:
  driver: docker
  image: ${engine.sessionImage}
  containerPrefix: ${prefix}
  docker: { host: "unix://${engine.socketPath}" }
  # An engine that a test starts may not give more than the test itself has.
  limits: { openFiles: 16384 }
security:
  container: { runtime: ${runtime} }
`;

/** The engine's API, for tests that look at containers or break them. */
export const engineClient = ({ socketPath }: Pick<TestEngine, 'socketPath'>): Docker => new Docker({ socketPath });

/** Containers and volumes of this product, which outlive it. */
export const endContainers = async ({ engine, prefix }: Contained): Promise<void> => {
  const docker = engineClient(engine);
  // A server that was killed has left what it prepared a place with, which is named by its volumes alone.
  const isOurs = (name = ''): boolean => name.replace(/^\//, '').startsWith(`${prefix}-`);
  for (const { Id: id, Names: names, Mounts: mounts } of await docker.listContainers({ all: true }))
    if (names.some(isOurs) || mounts.some(({ Name: name }) => isOurs(name)))
      await docker.getContainer(id).remove({ force: true, v: true });
  const { Volumes: volumes } = await docker.listVolumes();
  for (const { Name: name } of volumes) if (isOurs(name)) await docker.getVolume(name).remove();
};
