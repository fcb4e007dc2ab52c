// The configuration of a product whose sessions are containers of the tests' engine, and their end. It starts no engine.

import { randomUUID } from 'node:crypto';
import type { TestEngine } from '@remote-claude/compute/testing';
import Docker from 'dockerode';

export interface Contained {
  engine: Pick<TestEngine, 'socketPath' | 'sessionImage'>;
  runtime: 'runc' | 'runsc';
  /** Begins the names of all that the product makes on the engine. */
  prefix: string;
}

export const newPrefix = (): string => `test-${randomUUID().slice(0, 8)}`;

/** YAML. */
export const containersConfig = ({ engine, runtime, prefix }: Contained): string => `compute:
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
const engineClient = ({ socketPath }: Pick<TestEngine, 'socketPath'>): Docker => new Docker({ socketPath });

/** Containers and volumes of this product, which outlive it. */
export const endContainers = async ({ engine, prefix }: Contained): Promise<void> => {
  const docker = engineClient(engine);
  const isOurs = (name: string): boolean => name.replace(/^\//, '').startsWith(`${prefix}-`);
  const containers = await docker.listContainers({ all: true });
  for (const { Id: id, Names: names } of containers)
    if (names.some(isOurs)) await docker.getContainer(id).remove({ force: true, v: true });
  const { Volumes: volumes } = await docker.listVolumes();
  for (const { Name: name } of volumes) if (isOurs(name)) await docker.getVolume(name).remove();
};
