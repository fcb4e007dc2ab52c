/** Ends places, and with `destroy` their disks. It does not know who wants that. */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { ComputeError } from '../../driver.js';
import type { ComputeErrorCode } from '../../driver.js';
import { orNull, statusOf, wordsOf } from './client.js';
import type { EngineClient } from './client.js';
import type { DockerPlace } from './handle.js';
import { containerName, disksOf, labels, socketFolders } from './names.js';
import type { Naming } from './names.js';

/** A helper is needed for seconds, or for a minute where it carries files over a slow line. */
const abandonedMs = 600_000;
const killTimeoutMs = 10_000;
const pauseMs = 50;

export async function stopPlace(client: EngineClient, { containerId }: DockerPlace, graceMs: number): Promise<void> {
  const container = (await client()).getContainer(containerId);
  if (await isRunning(container)) {
    // One that ends at this moment cannot be told; what is left of it then is removed.
    await container.kill({ signal: 'SIGTERM' }).catch(() => {});
    await until(async () => !(await isRunning(container)), graceMs);
  }
  await removeContainer(container, 'stop_failed');
}

export async function destroySession(client: EngineClient, naming: Naming, sessionId: string): Promise<void> {
  const docker = await client();
  await removeContainer(docker.getContainer(containerName(naming, sessionId)), 'destroy_failed');
  // One that a server has left which died while it prepared a place holds the volumes.
  const label = [
    `${labels.installation}=${naming.installation}`,
    `${labels.session}=${sessionId}`,
    `${labels.helper}=true`,
  ];
  for (const { Id: id } of await docker.listContainers({ all: true, filters: { label } }))
    await removeContainer(docker.getContainer(id), 'destroy_failed');
  for (const { name } of disksOf(naming, sessionId)) await removeVolume(docker, name);
  // Where the engine is on this machine; elsewhere an empty folder stays until its host restarts.
  await rm(socketFolders(naming, sessionId).own, { recursive: true, force: true }).catch(() => {});
}

/** Removes what servers have left that died while they filled a volume: by then it is not at work any more. */
export async function sweepHelpers(client: EngineClient, { installation }: Naming): Promise<void> {
  const docker = await client();
  const label = [`${labels.installation}=${installation}`, `${labels.helper}=true`];
  for (const { Id: id, Created: madeAtS } of await docker.listContainers({ all: true, filters: { label } })) {
    if (Date.now() - madeAtS * 1_000 > abandonedMs) await removeContainer(docker.getContainer(id), 'not_ready');
  }
}

async function isRunning(container: Docker.Container): Promise<boolean> {
  return (await orNull(container.inspect()))?.State.Running ?? false;
}

/** Kills what still runs of it; the name is free afterwards. */
export async function removeContainer(container: Docker.Container, failure: ComputeErrorCode): Promise<void> {
  let words = 'it is still there.';
  const isGone = await until(async () => {
    try {
      await container.remove({ force: true, v: true });
    } catch (error) {
      // Refused while another removes it, or while it ends by itself.
      words = wordsOf(error);
      if (statusOf(error) === null) throw error;
    }
    return (await orNull(container.inspect())) === null;
  }, killTimeoutMs);
  if (!isGone) throw new ComputeError(failure, `The engine could not remove the container: ${words}`);
}

async function removeVolume(docker: Docker, name: string): Promise<void> {
  let words = '';
  const isGone = await until(async () => {
    try {
      await docker.getVolume(name).remove();
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return true;
      // In use: by what prepares or removes the same session at this moment.
      if (statusOf(error) !== 409) throw error;
      words = wordsOf(error);
      return false;
    }
  }, killTimeoutMs);
  if (!isGone) throw new ComputeError('destroy_failed', `The volume ${name} could not be removed: ${words}`);
}

/** Looks at least once. */
async function until(isSo: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    if (await isSo()) return true;
    if (performance.now() >= endMs) return false;
    await sleep(pauseMs);
  }
}
