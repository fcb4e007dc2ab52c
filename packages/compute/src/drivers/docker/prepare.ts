/**
 * What must be there before a place runs: the folders of its disk, owned by its user, and those of its sockets on the
 * engine's host. All of it goes over the engine's API, into a container that never runs: nothing is done as root by code,
 * and the engine may be anywhere.
 */
import { randomUUID } from 'node:crypto';
import { unlessSo } from './client.js';
import type { EngineClient } from './client.js';
import { disksOf, socketFolders } from './names.js';
import type { Naming } from './names.js';
import { putArchive } from './put-archive.js';
import { helperFor } from './template.js';
import type { ContainerRules } from './template.js';

export interface Owner {
  uid: number;
  gid: number;
}

interface Folder extends Owner {
  path: string;
  mode: number;
}

/** No image has anything there, which could lead elsewhere. */
const socketsInside = `/sockets-${randomUUID()}`;

export async function preparePlace(
  client: EngineClient,
  {
    naming,
    rules,
    gateway,
  }: { naming: Naming; rules: ContainerRules; /** As the engine's host has it. */ gateway: Owner },
  sessionId: string,
): Promise<void> {
  const docker = await client();
  const disks = disksOf(naming, sessionId);
  const own = `${socketsInside}/${socketFolders(naming, sessionId).key}`;
  const folders: Folder[] = [
    ...disks.map(({ target }) => ({ path: target, mode: 0o755, ...rules.user })),
    // Only the gateway passes through it, so what lies in it may be open to all.
    { path: own, mode: 0o700, ...gateway },
    { path: `${own}/agent`, mode: 0o777, ...gateway },
    { path: `${own}/gateway`, mode: 0o755, ...gateway },
  ];
  const helper = await docker.createContainer(
    helperFor(
      { naming, rules },
      {
        sessionId,
        volumes: disks.map(({ name, target }) => ({ volume: name, target })),
        binds: [`${naming.socketDir}:${socketsInside}:rw`],
      },
    ),
  );
  try {
    await putArchive(helper, '/', (archive) => {
      for (const { path, ...header } of folders)
        archive.entry({ ...header, name: `${path.slice(1)}/`, type: 'directory', mtime: new Date() });
    });
  } finally {
    await unlessSo(helper.remove({ force: true, v: true }));
  }
}
