/**
 * The driver for a server: every place is a container of a Docker engine, made by one template, without a network; agent and
 * gateway meet on unix sockets. It knows containers, volumes and images; it does not know sessions' rows, agents or
 * gateways. Several drivers may work on an engine: the name of a container is what one of them gets.
 */
import { isAbsolute } from 'node:path';
import { checkNeeds, checkSpec } from '../../check-spec.js';
import { ComputeError } from '../../driver.js';
import type { ComputeErrorCode, Driver } from '../../driver.js';
import { isId } from '../../place-id.js';
import { requireMayAct } from '../../require-may-act.js';
import { createTurns } from '../../turns.js';
import { bringNeeds } from './bring.js';
import { createEngineClient, createPullingClient, statusOf, wordsOf } from './client.js';
import type { EngineAddress } from './client.js';
import type { Context } from './context.js';
import { destroySession, stopPlace, sweepHelpers } from './end-place.js';
import { createEngineInfo } from './engine-info.js';
import { createFilesVolumes } from './files-volumes.js';
import { fromHandle, toHandle } from './handle.js';
import { identityOf } from './identity.js';
import { createImageChecks } from './image-check.js';
import { createImages } from './image.js';
import { findPlaces, inspectPlace } from './look-at-place.js';
import { addressesFor, checkSocketDir, insideLayout } from './names.js';
import type { Naming } from './names.js';
import type { Owner } from './prepare.js';
import { probeEngine } from './probe.js';
import { gvisorProfile, isGvisor, sharedKernelProfile } from './seccomp.js';
import { startPlace } from './start-place.js';
import type { ContainerRules } from './template.js';

export interface DockerDriverOptions extends Naming, Omit<ContainerRules, 'cpus' | 'seccompProfile'> {
  /** As JSON; null for our own. */
  seccompProfile: string | null;
  engine: EngineAddress;
  /** The name of the engine that has the sessions' disks; no other one is used. */
  engineId: string;
  /** Who the gateway runs as, on the engine's host. */
  gateway: Owner;
}

export interface EngineQuestion extends Pick<Naming, 'prefix' | 'installation'> {
  engine: EngineAddress;
  /** Writes the name down there, where it has none. */
  make: boolean;
}

/** What the engine at this address is called, in a UUID. Errors: `not_ready`. */
export async function askEngineId({ engine, make, ...naming }: EngineQuestion): Promise<string> {
  try {
    const client = createEngineClient(engine);
    const { id: ownId } = await createEngineInfo(client, 'runc')();
    return await identityOf(await client(), naming, { ownId, make });
  } catch (error) {
    if (error instanceof ComputeError) throw error;
    throw new ComputeError('not_ready', `The container engine at ${engine.host} cannot be used: ${wordsOf(error)}`);
  }
}

export function createDockerDriver(options: DockerDriverOptions): Driver {
  const { prefix, installation, socketDir, user } = options;
  if (!isAbsolute(socketDir)) throw new ComputeError('not_ready', 'The folder of sockets must be an absolute path.');
  const naming = { prefix, installation, socketDir };
  checkSocketDir(naming);
  const client = createEngineClient(options.engine);
  const info = createEngineInfo(client, options.runtime);
  const { image, runtime, apparmorProfile } = options;
  const seccompProfile = options.seccompProfile ?? (isGvisor(runtime) ? gvisorProfile : sharedKernelProfile);
  const rules = async (): Promise<ContainerRules> => ({
    ...{ image, runtime, user, seccompProfile, apparmorProfile },
    cpus: (await info()).cpus,
  });
  const context: Context = {
    client,
    naming,
    rules,
    gateway: options.gateway,
    images: createImages({ client, pulling: createPullingClient(options.engine) }),
    imageChecks: createImageChecks({ client, installation }),
    files: createFilesVolumes({ client, naming, rules }),
  };
  const turns = createTurns();
  const preparing = new Set<Promise<void>>();
  const starting = new Set<string>();
  let closed = false;

  /** Runs a verb so that only a `ComputeError` leaves it; an engine that is away is not the session's failure. */
  const verb = async <T>(failure: ComputeErrorCode, act: () => Promise<T>): Promise<T> => {
    if (closed) throw new ComputeError('closed', 'The driver was closed.');
    try {
      return await act();
    } catch (error) {
      if (closed && failure === 'prepare_failed') throw new ComputeError('closed', 'The driver was closed meanwhile.');
      if (error instanceof ComputeError) throw error;
      const code = statusOf(error) === null ? 'not_ready' : failure;
      throw new ComputeError(code, `The container engine: ${wordsOf(error)}`, { cause: error });
    }
  };
  /** The engine's own id while it is known as ours. */
  let checkedId: string | null = null;
  /** Another engine has none of the disks: a session that is started there would have lost its work. */
  const checkEngine = async (): Promise<void> => {
    const { id: ownId } = await info('fresh');
    if (ownId === checkedId) return;
    if ((await identityOf(await client(), naming, { ownId, make: false })) === options.engineId) {
      checkedId = ownId;
      return;
    }
    throw new ComputeError(
      'not_ready',
      'The container engine is another one than that which has the disks of the sessions; nothing was done.',
    );
  };
  const agentUid = async (): Promise<number | null> => ((await info()).mapsUsers ? null : user.uid);

  return {
    kind: 'docker',
    isolation: 'container',
    probe: () =>
      verb('not_ready', async () => {
        await sweepHelpers(client, naming).catch(() => {});
        await context.files.sweep().catch(() => {});
        return probeEngine(context, info);
      }),
    prepare: (needs, tell = () => {}) => {
      const prepared = verb('prepare_failed', async () => {
        checkNeeds(needs);
        await checkEngine();
        await bringNeeds(context, needs, tell);
      });
      preparing.add(prepared);
      const forget = (): void => void preparing.delete(prepared);
      prepared.then(forget, forget);
      return prepared;
    },
    start: (spec, progress = () => {}, mayAct) =>
      verb('start_failed', async () => {
        checkSpec(spec);
        return turns.run(spec.sessionId, async () => {
          requireMayAct(mayAct);
          await checkEngine();
          starting.add(spec.placeId);
          try {
            const containerId = await startPlace(context, { spec, progress, mayAct });
            const { sessionId, placeId } = spec;
            const place = { sessionId, placeId, containerId, agentUid: await agentUid() };
            return { handle: toHandle(place), ...addressesFor(naming, place) };
          } finally {
            starting.delete(spec.placeId);
          }
        });
      }),
    inspect: (handle) =>
      verb('not_ready', async () => {
        const place = fromHandle(handle);
        const isStarting = starting.has(place.placeId);
        return inspectPlace(client, place, { isStarting, enforced: async () => (await info()).enforces });
      }),
    stop: (handle, { graceMs, mayAct }) =>
      verb('stop_failed', async () => {
        const place = fromHandle(handle);
        return turns.run(place.sessionId, async () => {
          requireMayAct(mayAct);
          await stopPlace(client, place, graceMs);
        });
      }),
    destroy: (sessionId, mayAct) =>
      verb('destroy_failed', async () => {
        if (!isId(sessionId))
          throw new ComputeError('bad_spec', 'A session id has 1 to 64 letters, digits, "_" or "-".');
        return turns.run(sessionId, async () => {
          requireMayAct(mayAct);
          await checkEngine();
          await destroySession(client, naming, sessionId);
        });
      }),
    list: () => verb('not_ready', async () => findPlaces(client, naming, await agentUid())),
    addresses: (handle) => addressesFor(naming, fromHandle(handle)),
    layout: () => insideLayout,
    close: async () => {
      closed = true;
      context.images.close();
      context.files.close();
      await Promise.allSettled(preparing);
      await turns.settled();
    },
  };
}
