// Checkpoints and rewinds of sessions: looked at through the door to the agent, done by a command to it.
// What is kept, and what a rewind would change, is the agent's to say: the server never touches a work tree.

import { randomUUID } from 'node:crypto';
import {
  agentPaths,
  AppError,
  checkpoint,
  rewindDiff,
  rewindPreview,
  type Checkpoint,
  type CommandId,
  type RewindDiff,
  type RewindPreview,
  type RewindTarget,
  type RewindWhat,
  type SessionState,
} from '@remote-claude/contract';
import { z } from 'zod';

import type { Database } from '../../platform/database/index.js';
import type { Claude, ClaudeAct } from '../claude/index.js';
import type { Events } from '../events/index.js';
import { askAgent, postingJson, type AgentDoor } from '../relay/index.js';

export type RewindAct = ClaudeAct;

export interface CheckpointsDeps {
  database: Database;
  door: AgentDoor;
  events: Events;
  claude: Pick<Claude, 'command' | 'requireRunning'>;
}

/** A tree of a hundred thousand files that nobody looked at for a while takes its time. */
const thinkMs = 120_000;

export const createCheckpoints = ({ database, door, events, claude }: CheckpointsDeps) => {
  const post = <T>(sessionId: string, path: string, body: unknown, schema: z.ZodType<T>): Promise<T> =>
    askAgent(door, sessionId, { ...postingJson(path, body), thinkMs }, schema);

  return {
    list: async (sessionId: string): Promise<Checkpoint[]> => {
      const request = { method: 'GET', path: agentPaths.checkpoints };
      return (await askAgent(door, sessionId, request, z.object({ items: z.array(checkpoint) }))).items;
    },

    preview: (sessionId: string, target: RewindTarget): Promise<RewindPreview> =>
      post(sessionId, agentPaths.rewindPreview, { target }, rewindPreview),

    diff: (sessionId: string, request: { from: string; to: string; path: string }): Promise<RewindDiff> =>
      post(sessionId, agentPaths.rewindDiff, request, rewindDiff),

    /** The agent's `checkpoint.taken` is its effect. */
    async take(act: RewindAct): Promise<{ commandId: CommandId }> {
      const id = act.id ?? (randomUUID() as CommandId);
      const also = async (state: SessionState): Promise<void> => claude.requireRunning(state);
      await database.transaction((trx) =>
        claude.command(trx, act, { id, type: 'checkpoint' }, { action: 'checkpoints.take', also }),
      );
      return { commandId: id };
    },

    /** Only while nothing runs: the agent looks again, since a turn may begin before it hears of this. */
    async rewind(
      act: RewindAct,
      { target, what }: { target: RewindTarget; what: RewindWhat },
    ): Promise<{ commandId: CommandId }> {
      const id = act.id ?? (randomUUID() as CommandId);
      const { actor, sessionId } = act;
      const by = { userId: actor.userId, name: actor.name };
      await database.transaction((trx) =>
        claude.command(
          trx,
          act,
          { id, type: 'rewind', what, target },
          {
            action: 'rewind.apply',
            details: { what, ...target },
            async also(state) {
              claude.requireRunning(state);
              requireQuiet(state);
              await events.record(trx, sessionId, [{ type: 'rewind.asked', rewindId: id, by, what, target }]);
            },
          },
        ),
      );
      return { commandId: id };
    },
  };
};
export type Checkpoints = ReturnType<typeof createCheckpoints>;

const requireQuiet = ({ turn, queue, rewinding }: SessionState): void => {
  if (turn !== null || queue.length > 0) {
    throw new AppError('conflict', {
      message: 'Claude is at work. Interrupt the turn or wait for its end, then rewind. Nothing was changed.',
    });
  }
  if (rewinding !== null)
    throw new AppError('conflict', {
      message: `${rewinding.by.name} is rewinding this session already. Wait for its end.`,
    });
};
