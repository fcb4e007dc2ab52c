/**
 * Goes back: the files to a checkpoint, the conversation to before a message, or both; and forth again, which is the same.
 * It runs while no turn does, which its caller sees to.
 *
 * Invariants:
 * - Before anything changes, the files as they are and where the conversation stands are on the disk, under the rewind's id.
 * - A rewind that a crash cut off is told again and goes on from that record; its undo leads to before the first attempt.
 * - Files come first. Where they fail, the conversation has not moved.
 */
import {
  AppError,
  type AgentCommand,
  type Checkpoint,
  type CommandId,
  type RewindPreview,
  type RewindTarget,
} from '@remote-claude/contract';

import type { Propose } from '../parts.js';
import type { Snapshots } from '../snapshots/index.js';
import type { MemoryStore } from './memory.js';
import { createRewindRecords, type RewindRecord } from './rewind-records.js';
import { pointBefore, type ConversationPoint } from './transcript.js';

type RewindCommand = Extract<AgentCommand, { type: 'rewind' }>;

export interface Rewind {
  /** Where conversation and files stood just before a message. Throws `AppError` where either is not known any more. */
  before(messageId: CommandId): Promise<{ point: ConversationPoint; checkpoint: Checkpoint }>;
  /** Throws `AppError` where the tree cannot be looked at. */
  preview(target: RewindTarget): Promise<RewindPreview>;
  /** Throws `AppError` with a sentence that says why not, and that nothing was changed. */
  run(command: RewindCommand): Promise<void>;
}

export interface RewindDeps {
  snapshots: Snapshots;
  memory: MemoryStore;
  workspace: string;
  recordsPath: string;
  propose: Propose;
  /** Ends Claude's process, so that the next one begins where the memory says. */
  endProcess(): Promise<void>;
}

interface Resolved {
  messageId: CommandId | null;
  undoes: CommandId | null;
  point: ConversationPoint | null;
  checkpoint: Checkpoint | null;
  chatRefusal: string | null;
  filesRefusal: string | null;
}

const sentences = {
  noMemory:
    "Claude's memory does not reach back to this message: it was summarised since, or belongs to what was rewound. Files can be rewound alone.",
  noFiles: 'The files as they were before this message are not kept, or no longer kept.',
  noMemoryToFork:
    "Claude's memory does not reach back to this message: it was summarised since, or belongs to what was rewound. Fork from a later message, or the session as it is. Nothing was changed.",
  noFilesToFork:
    'The files as they were before this message are not kept, or no longer kept. Fork from another message, or the session as it is. Nothing was changed.',
  filesOnly: 'A checkpoint is of files alone.',
  gone: 'This checkpoint is no longer kept.',
  noRewind: 'There is nothing to undo: this rewind was not done, or is too long ago.',
  notOfChat: 'That rewind left the conversation as it was.',
  notOfFiles: 'That rewind left the files as they were.',
  diskBefore:
    "The session's disk takes nothing, so it could not be kept where the conversation stands. Nothing was changed; make room on it and rewind again.",
  diskAfter:
    "The files are as they were then, and the conversation is not: the session's disk takes nothing more. Make room on it, then rewind the conversation alone, or the files to the checkpoint before this rewind.",
} as const;

export const createRewind = (deps: RewindDeps): Rewind => {
  const { snapshots, memory, workspace, propose } = deps;
  const records = createRewindRecords(deps.recordsPath);
  const checkpointOf = (id: string | null): Checkpoint | null =>
    snapshots.list().find(({ checkpointId }) => checkpointId === id) ?? null;
  const here = (): ConversationPoint => ({
    conversation: memory.value.conversation,
    resumeAt: memory.value.resumeAt,
  });

  const resolve = async (target: RewindTarget): Promise<Resolved> => {
    if ('messageId' in target) {
      const { messageId } = target;
      const point = await pointBefore(here(), messageId, workspace);
      const checkpoint =
        snapshots.list().find((one) => one.reason === 'before-turn' && one.messageIds.includes(messageId)) ?? null;
      const chatRefusal = point === null ? sentences.noMemory : null;
      const filesRefusal = checkpoint === null ? sentences.noFiles : null;
      return { messageId, undoes: null, point, checkpoint, chatRefusal, filesRefusal };
    }
    if ('checkpointId' in target) {
      const checkpoint = checkpointOf(target.checkpointId);
      const filesRefusal = checkpoint === null ? sentences.gone : null;
      const common = { messageId: null, undoes: null, point: null };
      return { ...common, checkpoint, chatRefusal: sentences.filesOnly, filesRefusal };
    }
    const undone = records.find(target.rewindId);
    const common = { messageId: null, undoes: target.rewindId };
    if (undone?.isDone !== true)
      return {
        ...common,
        point: null,
        checkpoint: null,
        chatRefusal: sentences.noRewind,
        filesRefusal: sentences.noRewind,
      };
    const point = undone.point === null ? null : undone.pointBefore;
    const checkpoint = checkpointOf(undone.safetyId);
    const chatRefusal = point === null ? sentences.notOfChat : null;
    const noFiles = undone.safetyId === null ? sentences.notOfFiles : sentences.gone;
    return { ...common, point, checkpoint, chatRefusal, filesRefusal: checkpoint === null ? noFiles : null };
  };

  /** Everything that is needed to do it, also for the life after a crash. */
  const begin = async ({ id, what, target }: RewindCommand): Promise<RewindRecord> => {
    const { messageId, undoes, point, checkpoint, chatRefusal, filesRefusal } = await resolve(target);
    const refusal = (what === 'files' ? null : chatRefusal) ?? (what === 'chat' ? null : filesRefusal);
    if (refusal !== null) throw new AppError('conflict', { message: refusal });
    const isOfFiles = what !== 'chat';
    const safety =
      isOfFiles && checkpoint !== null
        ? await snapshots.take(
            { reason: 'before-rewind', turnId: null, messageIds: [] },
            { pinned: checkpoint.checkpointId },
          )
        : null;
    const record: RewindRecord = {
      rewindId: id,
      what,
      messageId,
      undoes,
      point: what === 'files' ? null : point,
      checkpointId: isOfFiles ? (checkpoint?.checkpointId ?? null) : null,
      pointBefore: here(),
      safetyId: safety?.checkpointId ?? null,
      isDone: false,
      files: null,
    };
    await records.put(record);
    return record;
  };

  const filesTo = async (id: string): ReturnType<Snapshots['restore']> => {
    const checkpoint = checkpointOf(id);
    if (checkpoint === null) throw new AppError('conflict', { message: sentences.gone });
    return snapshots.restore(checkpoint);
  };

  const keepPoint = (point: Partial<ConversationPoint>, message: string): void => {
    try {
      memory.keep(point);
    } catch (cause) {
      throw new AppError('no_space', { message }, { cause });
    }
  };

  const goOn = async (begun: RewindRecord): Promise<RewindRecord> => {
    const { rewindId, checkpointId, point } = begun;
    let files: RewindRecord['files'] = null;
    try {
      // A disk that would not take the conversation's new place is found before the files are touched.
      if (point !== null) keepPoint({}, sentences.diskBefore);
      if (checkpointId !== null) files = await filesTo(checkpointId);
    } catch (error) {
      // Cut off with the session, it is told again and goes on.
      if (!(error instanceof AppError && error.code === 'unavailable')) await records.remove(rewindId);
      throw error;
    }
    if (point !== null) {
      await deps.endProcess();
      try {
        keepPoint(point, checkpointId === null ? sentences.diskBefore : sentences.diskAfter);
      } catch (error) {
        await records.remove(rewindId).catch(() => undefined);
        throw error;
      }
    }
    const done = { ...begun, files, isDone: true };
    await records.put(done);
    return done;
  };

  return {
    before: async (messageId) => {
      const { point, checkpoint } = await resolve({ messageId });
      if (point !== null && checkpoint !== null) return { point, checkpoint };
      const message = point === null ? sentences.noMemoryToFork : sentences.noFilesToFork;
      throw new AppError('conflict', { message });
    },
    preview: async (target) => {
      const { checkpoint, chatRefusal, filesRefusal } = await resolve(target);
      return { chatRefusal, filesRefusal, files: checkpoint === null ? null : await snapshots.compare(checkpoint) };
    },
    run: async (command) => {
      const { rewindId, what, messageId, undoes, files } = await snapshots.holding(async () => {
        const begun = records.find(command.id) ?? (await begin(command));
        return begun.isDone ? begun : goOn(begun);
      });
      await propose({ type: 'rewind.done', rewindId, what, messageId, undoes, files }, [rewindId]);
    },
  };
};
