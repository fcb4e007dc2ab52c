/** What the engine's things of a session are called, how they are marked, and where they are seen inside. Pure. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { maxSocketPathBytes } from '../../address.js';
import { ComputeError } from '../../driver.js';
import type { PlaceAddresses, PlaceLayout } from '../../driver.js';

/** Everything of ours on the engine has these. */
export const labels = {
  installation: 'remote-claude.installation',
  session: 'remote-claude.session',
  place: 'remote-claude.place',
  /** On what is made to fill volumes and never runs. */
  helper: 'remote-claude.helper',
  /** On the volume that names the engine: how. */
  engine: 'remote-claude.engine',
  /** On volumes with files of the server: which. */
  files: 'remote-claude.files',
} as const;

export interface Naming {
  /** Begins every name: `claude-session`. */
  prefix: string;
  /** Marks what belongs to the servers of one database. */
  installation: string;
  /** Folder on the engine's host in which the sockets of sessions lie. */
  socketDir: string;
}

const runInside = '/run/remote-claude';
export const agentFolderInside = `${runInside}/agent`;
export const gatewayFolderInside = `${runInside}/gateway`;
const agentSocketName = 'agent.sock';
const gatewaySocketName = 'gateway.sock';

export const insideLayout: PlaceLayout = {
  workspace: '/workspace',
  home: '/home/claude',
  state: '/var/lib/remote-claude',
  agentSocket: `${agentFolderInside}/${agentSocketName}`,
  gatewaySocket: `${gatewayFolderInside}/${gatewaySocketName}`,
  mount: ({ target }) => target,
};

export const containerName = ({ prefix }: Naming, sessionId: string) => `${prefix}-${sessionId}`;

/** The session's disk: three volumes, so that a full work tree leaves room for what the agent keeps. */
export function disksOf(naming: Naming, sessionId: string): { name: string; target: string }[] {
  const name = containerName(naming, sessionId);
  return [
    { name: `${name}-workspace`, target: insideLayout.workspace },
    { name: `${name}-home`, target: insideLayout.home },
    { name: `${name}-state`, target: insideLayout.state },
  ];
}

/** On the engine's host. The name is short, since a socket's path is; sites share a folder without meeting in it. */
export function socketFolders({ socketDir, installation }: Naming, sessionId: string) {
  const key = createHash('sha256').update(`${installation}\0${sessionId}`).digest('hex').slice(0, 16);
  const own = join(socketDir, key);
  return { key, own, agent: join(own, 'agent'), gateway: join(own, 'gateway') };
}

export function addressesFor(
  naming: Naming,
  { sessionId, agentUid }: { sessionId: string; agentUid: number | null },
): PlaceAddresses {
  const { agent, gateway } = socketFolders(naming, sessionId);
  return {
    agent: { kind: 'unix', path: join(agent, agentSocketName), ownerUid: agentUid },
    gateway: { kind: 'unix', path: join(gateway, gatewaySocketName), ownerUid: null },
  };
}

/** Throws where the path of a socket is longer than the system takes. */
export function checkSocketDir(naming: Naming): void {
  const { gateway } = addressesFor(naming, { sessionId: 'any', agentUid: null });
  const bytes = gateway.kind === 'unix' ? Buffer.byteLength(gateway.path) : 0;
  if (bytes <= maxSocketPathBytes) return;
  throw new ComputeError(
    'not_ready',
    `The folder of sockets ${naming.socketDir} is too long a path by ${bytes - maxSocketPathBytes} characters.`,
  );
}
