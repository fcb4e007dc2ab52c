// What runs the sessions of this site, and where their disks are. It knows no session.

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  askEngineId,
  ComputeError,
  createDockerDriver,
  createProcessDriver,
  profileProblem,
  type Driver,
} from '@remote-claude/compute';

import type { Config } from '../platform/config/config.js';
import { DataDirError, openSharedDir, type SharedDir } from '../platform/data-dir.js';
import { createRemembered, rememberOnce } from '../platform/remembered.js';
import type { Site } from './site.js';

export interface Compute {
  /** Sockets of sessions, and with the process driver their disks. */
  computeDir: SharedDir;
  /** Names what has the disks, whichever process works with it. */
  engine: string;
  /** The data folder is locked: the manager that it names has ended. */
  predecessor: ReturnType<typeof createRemembered>;
}

export const openCompute = async ({
  config,
  dataDir,
  installation,
}: Pick<Site, 'config' | 'dataDir' | 'installation'>): Promise<Compute> => {
  const wanted = config.compute.dataDir;
  const computeDir: SharedDir = wanted === null ? dataDir : await openComputeDir(wanted, installation);
  return {
    computeDir,
    engine: await engineOf({ config, installation }, computeDir, { make: true }),
    predecessor: createRemembered(join(dataDir.path, 'manager')),
  };
};

/** What has the disks is called by what is written beside them: in a folder on this machine, or on the container engine. */
export const engineOf = async (
  { config, installation }: Pick<Site, 'config' | 'installation'>,
  computeDir: SharedDir,
  { make }: { make: boolean },
): Promise<string> =>
  config.compute.driver === 'docker'
    ? askEngineId({ engine: await engineAddress(config), prefix: config.compute.containerPrefix, installation, make })
    : rememberOnce(join(computeDir.path, 'engine'), randomUUID());

export const createDriver = async (
  { childEnv, config, installation }: Pick<Site, 'childEnv' | 'config' | 'installation'>,
  { computeDir, engine }: Pick<Compute, 'computeDir' | 'engine'>,
): Promise<Driver> => {
  const { compute } = config;
  if (compute.driver === 'process') {
    return createProcessDriver({
      dataDir: computeDir.path,
      runDir: computeDir.runDir,
      isolation: compute.isolation,
      uidRange: compute.uidRange,
      childEnv,
    });
  }
  const { container } = config.security;
  const [uid = 0, gid = 0] = compute.docker.user.split(':').map(Number);
  return createDockerDriver({
    engine: await engineAddress(config),
    engineId: engine,
    prefix: compute.containerPrefix,
    installation,
    socketDir: compute.docker.socketDir ?? join(computeDir.runDir, 'places'),
    image: compute.image,
    runtime: container.runtime,
    user: { uid, gid },
    gateway: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    seccompProfile: container.seccomp === null ? null : await readProfile(container.seccomp),
    apparmorProfile: container.apparmor,
  });
};

/** Looked at before any session depends on it. */
const readProfile = async (path: string): Promise<string> => {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ComputeError('not_ready', `The seccomp profile ${path} cannot be read (${error.code ?? 'unknown'}).`);
  });
  const problem = profileProblem(text);
  if (problem !== null) throw new ComputeError('not_ready', `The seccomp profile ${path} ${problem}`);
  return text;
};

export const engineAddress = async ({ compute: { docker }, timing }: Config) => {
  const { host, ca, certificate, key } = docker;
  const silenceMs = timing.engineSilenceMs;
  if (ca === null || certificate === null || key === null) return { host, tls: null, silenceMs };
  const [caText, certText, keyText] = await Promise.all([ca, certificate, key].map((path) => readFile(path, 'utf8')));
  return { host, silenceMs, tls: { ca: caText ?? '', cert: certText ?? '', key: keyText ?? '' } };
};

/** Shared by the servers of one database: to those of another its places would be strays. */
const openComputeDir = async (wanted: string, installation: string): Promise<SharedDir> => {
  const opened = await openSharedDir(wanted);
  if ((await rememberOnce(join(opened.path, 'installation'), installation)) === installation) return opened;
  throw new DataDirError(
    `The folder ${opened.path} (compute.dataDir) belongs to servers of another database. Choose another folder.`,
  );
};
