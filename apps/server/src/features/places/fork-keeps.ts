// What the agent of a session keeps for its forks, and lets go when none of them needs it: what is needed stand the rows for.
// An agent that is away is asked when it is linked again.

import { agentPaths, forkPoints } from '@remote-claude/contract';
import { z } from 'zod';

import type { Log } from '../../platform/log.js';
import { askAgent, postingJson, type AgentDoor } from '../relay/index.js';
import type { ForkStore } from './fork-store.js';

export interface ForkKeepsDeps {
  door: AgentDoor;
  forks: Pick<ForkStore, 'needs'>;
  log: Log;
}

/** Something is kept before the fork's row is written; after so long it never will be. */
const maxUnbornMs = 3_600_000;

export const createForkKeeps = ({ door, forks, log }: ForkKeepsDeps) => {
  /** Resolves, whether or not it was heard. */
  const release = async (sourceId: string, forkId: string): Promise<void> => {
    try {
      await askAgent(door, sourceId, postingJson(agentPaths.forkRelease, { forkId }), z.unknown());
    } catch (err) {
      log.debug({ err, sessionId: sourceId, forkId }, 'a session did not hear what it need not keep for a fork');
    }
  };

  return {
    release,
    /** Of a session whose agent can be asked now. */
    async sweep(sourceId: string): Promise<void> {
      try {
        const request = { method: 'GET', path: agentPaths.forkPoints };
        const { points } = await askAgent(door, sourceId, request, forkPoints);
        if (points.length === 0) return;
        const needs = await forks.needs(
          sourceId,
          points.map(({ forkId }) => forkId),
        );
        for (const { forkId, ageMs } of points)
          if (!(needs.get(forkId) ?? ageMs < maxUnbornMs)) await release(sourceId, forkId);
      } catch (err) {
        // One of an older version keeps it until it is too old.
        log.debug({ err, sessionId: sourceId }, 'what a session keeps for its forks could not be looked through');
      }
    },
  };
};
export type ForkKeeps = ReturnType<typeof createForkKeeps>;
