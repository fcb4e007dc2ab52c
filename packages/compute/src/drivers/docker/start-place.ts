/**
 * Makes a session's container and starts it. The name of the container is the lock: of all servers on the engine one gets
 * it, and whoever finds it taken looks whose it is. A crash in between leaves a container that is named and does not run.
 */
import type Docker from 'dockerode';
import { ComputeError, wordsOfPreparing } from '../../driver.js';
import type { MayAct, PlaceSpec } from '../../driver.js';
import { requireMayAct } from '../../require-may-act.js';
import { bringNeeds } from './bring.js';
import { orNull, statusOf, unlessSo, wordsOf } from './client.js';
import type { Context } from './context.js';
import { dropUnmarked, makeDisk, requireDisk } from './disk.js';
import { removeContainer } from './end-place.js';
import { containerName, labels } from './names.js';
import { lackOf } from './no-room.js';
import { preparePlace } from './prepare.js';
import { containerFor } from './template.js';

export interface StartJob {
  spec: PlaceSpec;
  progress: (step: string) => void;
  mayAct: MayAct | undefined;
}

/** Names that were taken and are free again when one looks. */
const maxTries = 5;

/** Gives the engine's id of the container. */
export async function startPlace(context: Context, job: StartJob): Promise<string> {
  const { client, naming } = context;
  const { sessionId } = job.spec;
  const docker = await client();
  for (let tried = 0; tried < maxTries; tried += 1) {
    const there = await orNull(docker.getContainer(containerName(naming, sessionId)).inspect());
    const containerId = there === null ? await create(context, docker, job) : await adopt(context, docker, job, there);
    if (containerId !== null) return containerId;
  }
  throw new ComputeError('not_ready', 'Other servers make and remove the container of this session all the time.');
}

/** null where the name was taken meanwhile. */
async function create(context: Context, docker: Docker, job: StartJob): Promise<string | null> {
  const { spec, progress } = job;
  const { naming } = context;
  const { sessionId } = spec;
  const isNew = spec.disk === 'new';
  if (!isNew) await requireDisk(docker, naming, sessionId);
  const { rules, files } = await bringNeeds(context, spec, (how) => progress(wordsOfPreparing(how)));
  progress('Preparing its disk');
  if (isNew) await makeDisk(docker, naming, sessionId);
  let container: Docker.Container;
  try {
    container = await docker.createContainer(containerFor(spec, { naming, rules, files }));
  } catch (error) {
    if (statusOf(error) === 409) return null;
    if (statusOf(error) !== null) checkRoom(wordsOf(error), error);
    throw error;
  }
  try {
    return await run(context, container, job);
  } catch (error) {
    if (error instanceof ComputeError && error.code === 'disk_gone') await dropUnmarked(docker, naming, sessionId);
    throw error;
  }
}

/** What has the name: this very place, one that has ended and makes room, or another one that lives. */
async function adopt(
  context: Context,
  docker: Docker,
  job: StartJob,
  there: Docker.ContainerInspectInfo,
): Promise<string | null> {
  const { sessionId, placeId } = job.spec;
  const marked = there.Config.Labels;
  const container = docker.getContainer(there.Id);
  if (marked[labels.installation] !== context.naming.installation) {
    const name = containerName(context.naming, sessionId);
    throw new ComputeError('place_exists', `A container ${name} that is not of this site is on the engine; remove it.`);
  }
  const isWaiting = there.State.Status === 'created';
  if (marked[labels.place] === placeId) return isWaiting ? run(context, container, job) : there.Id;
  if (isWaiting || there.State.Running)
    throw new ComputeError('place_exists', 'Another place of this session is there; stop it first.');
  await removeContainer(container, 'start_failed');
  return null;
}

async function run(context: Context, container: Docker.Container, job: StartJob): Promise<string> {
  const { spec, progress, mayAct } = job;
  const { sessionId } = spec;
  try {
    // From here on it has the volumes, and nobody can remove them: what it was given is what it keeps.
    await requireDisk(await context.client(), context.naming, sessionId);
    const rules = await context.rules();
    await preparePlace(
      context.client,
      { ...context, rules: { ...rules, image: spec.image ?? rules.image } },
      sessionId,
    );
    await checkCommand(container, spec.command[0] ?? '');
    progress('Starting its container');
    requireMayAct(mayAct);
    // Who was quicker has started it.
    await container.start().catch((error: unknown) => {
      if (statusOf(error) !== 304) throw error;
    });
  } catch (error) {
    // Whoever looks after the session now finds the container by its name, and goes on with it.
    if (error instanceof ComputeError && error.code === 'superseded') throw error;
    // Of an engine that does not answer it is not known what it did.
    if (!(error instanceof ComputeError) && statusOf(error) === null) throw error;
    // Not by force: one that runs by now is another server's.
    await unlessSo(container.remove({ v: true })).catch(() => {});
    if (error instanceof ComputeError) throw error;
    const words = wordsOf(error);
    checkRoom(words, error);
    const hint = /rlimit/.test(words) ? ' Lower compute.limits.openFiles: the engine may not give so many.' : '';
    throw new ComputeError('start_failed', `The engine could not start it: ${words}${hint}`, { cause: error });
  }
  return container.id;
}

/** An engine that has no room has it again when something there has ended or was removed. */
function checkRoom(words: string, cause: unknown): void {
  const lack = lackOf(words);
  if (lack === null) return;
  throw new ComputeError('no_room', `The container engine has no room: ${lack} (${words.slice(0, 200)}).`, { cause });
}

/** The first process in a container is the engine's own and always starts; what it cannot run is seen here. */
async function checkCommand(container: Docker.Container, program: string): Promise<void> {
  if ((await orNull(container.infoArchive({ path: program }))) !== null) return;
  throw new ComputeError('start_failed', `There is no ${program} in the image or its mounts.`);
}
