/** Tries the engine for real, with a container like a session's that ends at once, and says what to mend. */
import { randomUUID } from 'node:crypto';
import type Docker from 'dockerode';
import type { ProbeResult } from '../../driver.js';
import { unlessSo, wordsOf } from './client.js';
import type { Context } from './context.js';
import type { EngineInfo } from './engine-info.js';
import { hasImage, namesRegistry } from './image.js';
import { labels } from './names.js';
import { isGvisor } from './seccomp.js';
import { containerFor } from './template.js';
import type { ContainerRules } from './template.js';

type Problem = ProbeResult['problems'][number];

const trialTimeoutMs = 30_000;
const bytesPerMiB = 2 ** 20;

export async function probeEngine(context: Context, info: () => Promise<EngineInfo>): Promise<ProbeResult> {
  let found: EngineInfo;
  try {
    found = await info();
  } catch (error) {
    return notReady({
      what: `The container engine cannot be used: ${wordsOf(error)}`,
      mend: 'Start Docker, and check compute.docker.host and who may open its socket.',
    });
  }
  const rules = await context.rules();
  const { runtime, image } = rules;
  const problem = runtimeProblem(found, rules) ?? (await imageProblem(context, image)) ?? (await tryOne(context));
  if (problem !== null) return notReady(problem);
  return { ready: true, problems: [], warnings: warningsOf(found, runtime) };
}

const notReady = (problem: Problem): ProbeResult => ({ ready: false, problems: [problem], warnings: [] });

function runtimeProblem(
  { runtimes, hasApparmor, hasSeccomp, version }: EngineInfo,
  { runtime, seccompProfile, apparmorProfile }: ContainerRules,
): Problem | null {
  const known = runtimes[runtime];
  if (known === undefined) {
    return {
      what: `The engine (Docker ${version}) does not know the runtime ${runtime}; it knows ${Object.keys(runtimes).join(', ')}.`,
      mend: 'Install it and name it in the engine’s daemon.json, or choose another security.container.runtime.',
    };
  }
  // A profile of ours counts, whatever the engine's own is.
  if (hasSeccomp === 'not' || (hasSeccomp === 'unconfined' && seccompProfile === null))
    return {
      what: 'The engine filters no system calls (seccomp is missing, or its profile is unconfined).',
      mend: 'Use an engine and a kernel that have seccomp, with a profile; sessions need it.',
    };
  if (apparmorProfile !== null && !hasApparmor)
    return {
      what: `Sessions are to be kept by the AppArmor profile ${apparmorProfile}, and the engine's host has no AppArmor.`,
      mend: 'Use a host with AppArmor, or leave security.container.apparmor out.',
    };
  if (isGvisor(runtime) && known.runtimeArgs !== undefined && !hasArgument(known.runtimeArgs, 'host-uds=all')) {
    return {
      what: 'gVisor on this engine does not let containers use unix sockets of the host.',
      mend: 'Add "--host-uds=all" and "--oci-seccomp" to runtimeArgs of runsc in daemon.json, and restart Docker.',
    };
  }
  return null;
}

const hasArgument = (given: readonly string[], wanted: string): boolean =>
  given.some((argument) => argument.replace(/^--?/, '') === wanted);

async function imageProblem({ client }: Context, image: string): Promise<Problem | null> {
  if (await hasImage(await client(), image)) return null;
  return {
    what: namesRegistry(image)
      ? `The engine does not have the image ${image}; the first session waits until it is fetched.`
      : `The engine does not have the image ${image}, and its name says no registry to fetch it from.`,
    mend: 'Build it on the engine with "npm run image", or fetch it there ahead.',
  };
}

async function tryOne(context: Context): Promise<Problem | null> {
  const docker = await context.client();
  let container: Docker.Container | null = null;
  try {
    container = await docker.createContainer(await trialOf(context));
    await container.start();
    const { StatusCode: code } = (await within(container.wait(), trialTimeoutMs)) as { StatusCode: number };
    if (code === 0) return null;
    return trialProblem(`it ended with code ${code}`);
  } catch (error) {
    return trialProblem(wordsOf(error));
  } finally {
    if (container !== null) await unlessSo(container.remove({ force: true, v: true })).catch(() => {});
  }
}

const trialProblem = (words: string): Problem => ({
  what: `A container like a session's could not be run: ${words}`,
  mend: 'Look at the engine’s own log; `docker run` with the same image and runtime shows more.',
});

/** As a session's, without its disk and its sockets. */
async function trialOf(context: Context): Promise<Docker.ContainerCreateOptions> {
  const id = `probe-${randomUUID().slice(0, 8)}`;
  const spec = {
    sessionId: id,
    placeId: id,
    disk: 'new' as const,
    command: ['/bin/sh', '-c', 'exit 0'],
    environment: { PATH: '/usr/bin:/bin' },
    limits: { cpus: 1, memoryBytes: 128 * bytesPerMiB, processes: 32, openFiles: 256 },
  };
  const { naming } = context;
  const whole = containerFor(spec, { naming, rules: await context.rules(), files: [] });
  return {
    ...whole,
    WorkingDir: '/',
    Labels: { [labels.installation]: naming.installation, [labels.helper]: 'true' },
    HostConfig: { ...whole.HostConfig, Binds: [], Mounts: [] },
  };
}

function warningsOf({ enforces, runtimes }: EngineInfo, runtime: string): string[] {
  const missing = Object.entries(enforces).flatMap(([name, isSo]) => (isSo ? [] : [name]));
  const limits =
    missing.length === 0
      ? []
      : [
          `Sessions have no limit of ${missing.join(', ')}: the engine, or its runtime ${runtime}, does not enforce it.`,
        ];
  const given = runtimes[runtime]?.runtimeArgs;
  const isUnfiltered = isGvisor(runtime) && given !== undefined && !hasArgument(given, 'oci-seccomp');
  return isUnfiltered
    ? [
        ...limits,
        'gVisor on this engine filters no system calls of its own: add "--oci-seccomp" to runtimeArgs of runsc.',
      ]
    : limits;
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
