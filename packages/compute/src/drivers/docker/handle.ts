/** The handle of a place in a container: which container, by the engine's own id, which is never given twice. */
import { ComputeError } from '../../driver.js';
import type { PlaceHandle } from '../../driver.js';
import { isId } from '../../place-id.js';

export interface DockerPlace {
  sessionId: string;
  placeId: string;
  containerId: string;
  /** Who owns the agent's socket, as the engine's host has it; null where the engine maps users. */
  agentUid: number | null;
}

export const toHandle = ({ sessionId, placeId, containerId, agentUid }: DockerPlace): PlaceHandle => ({
  docker: containerId,
  sessionId,
  placeId,
  agentUid,
});

export function fromHandle(handle: PlaceHandle): DockerPlace {
  const { docker, sessionId, placeId, agentUid = null } = isObject(handle) ? handle : {};
  const isContainer = typeof docker === 'string' && /^[0-9a-f]{64}$/.test(docker);
  const isUid = agentUid === null || typeof agentUid === 'number';
  if (isContainer && isUid && isId(sessionId) && isId(placeId))
    return { sessionId, placeId, containerId: docker, agentUid };
  throw new ComputeError('bad_handle', 'This handle was not made by the docker driver.');
}

const isObject = (value: PlaceHandle): value is Record<string, PlaceHandle> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
