/**
 * The way back through a session: a checkpoint around each turn, one on demand, and rewinds. It joins the commands that
 * ask for it with what does it, and knows neither the SDK nor how files are kept.
 */
import { join } from 'node:path';

import { AppError, type AgentCommand, type Checkpoint, type CommandId, type TurnId } from '@remote-claude/contract';

import type { Log, Propose } from '../parts.js';
import type { RestoreResult, Snapshots } from '../snapshots/index.js';
import type { Approvals } from './approvals.js';
import type { ClaudeSupply } from './claude-supply.js';
import type { MemoryStore } from './memory.js';
import type { PromptQueue } from './prompt-queue.js';
import { createRewind, type Rewind } from './rewind.js';
import type { ConversationPoint } from './transcript.js';
import type { Translator } from './translate.js';
import { createTurnCheckpoints, type TurnCheckpoints } from './turn-checkpoints.js';
import type { Turn } from './turns.js';

type Given = Extract<AgentCommand, { type: 'rewind' | 'checkpoint' }>;

/** Where a fork begins. */
export interface ForkPlace {
  checkpoint: Checkpoint;
  conversation: { id: string; resumeAt: string | null } | null;
  /** The last turn of this life, where the fork is of the session as it is now. */
  turnId: TurnId | null;
}

export interface History extends TurnCheckpoints {
  preview: Rewind['preview'];
  /** Just before a message, or now, while nothing runs. It is still so until `write` has resolved. */
  locate<T>(messageId: CommandId | null, write: (place: ForkPlace) => Promise<T>): Promise<T>;
  /** A fork becomes what it was made from: files, then what `place` brings, then Claude's conversation from there on. */
  become(checkpoint: Checkpoint, point: ConversationPoint, place: () => Promise<void>): Promise<RestoreResult>;
  /** Claude may work: at once, or when a fork is whole. */
  open(): void;
  command(given: Given): Promise<void>;
}

export interface HistoryDeps {
  snapshots: Snapshots;
  memory: MemoryStore;
  workspace: string;
  folder: string;
  propose: Propose;
  refuse(given: Given, reason: string): Promise<void>;
  tell(text: string): void;
  currentTurn(): Turn | null;
  lastTurnId(): TurnId | null;
  /** A fork without its files: prompts wait until `open`. */
  isAwaited: boolean;
  queue: Pick<PromptQueue, 'occupy' | 'ended' | 'waiting'>;
  supply: Pick<ClaudeSupply, 'end' | 'prewarm'>;
  translator: Pick<Translator, 'processEnded' | 'backgroundTasks'>;
  approvals: Pick<Approvals, 'forgetAll'>;
  log: Log;
}

const busySentence = 'Claude is at work. Interrupt the turn or wait for its end, then rewind. Nothing was changed.';
const backgroundSentence =
  'Work that Claude began in the background still runs. Ask Claude to end it, then rewind. Nothing was changed.';
const forkBusySentence =
  'Claude is at work. Wait for the end of the turn, or fork from an earlier message. Nothing was changed.';
const expiredSentence = 'The conversation was rewound to before this question; the call never ran.';
const bugSentence = 'Something went wrong inside the session; its log has the details.';

export const createHistory = (deps: HistoryDeps): History => {
  const { snapshots, folder, refuse, tell, currentTurn, queue, supply, translator, approvals, log } = deps;
  const rewind = createRewind({
    ...deps,
    recordsPath: join(folder, 'rewinds.json'),
    endProcess: async () => {
      await supply.end();
      translator.processEnded();
      await approvals.forgetAll(expiredSentence);
    },
  });
  /** These take a while, and may be told again meanwhile. */
  const underWay = new Set<CommandId>();
  let isClosed = false;

  const goBack = async (given: Extract<Given, { type: 'rewind' }>): Promise<void> => {
    if (translator.backgroundTasks > 0) throw new AppError('conflict', { message: backgroundSentence });
    if (!queue.occupy()) throw new AppError('conflict', { message: busySentence });
    try {
      await rewind.run(given);
    } finally {
      queue.ended();
      supply.prewarm();
    }
  };

  const locateNow = async <T>(write: (place: ForkPlace) => Promise<T>): Promise<T> => {
    if (translator.backgroundTasks > 0 || queue.waiting > 0 || !queue.occupy())
      throw new AppError('conflict', { message: forkBusySentence });
    try {
      const checkpoint = await snapshots.take({ reason: 'asked', turnId: null, messageIds: [] });
      const { conversation: id, resumeAt } = deps.memory.value;
      return await write({
        checkpoint,
        conversation: id === null ? null : { id, resumeAt },
        turnId: deps.lastTurnId(),
      });
    } finally {
      queue.ended();
    }
  };

  if (deps.isAwaited) queue.occupy();
  const checkpoints = createTurnCheckpoints({ snapshots, tell, log });
  return {
    ...checkpoints,
    preview: rewind.preview,
    locate: async (messageId, write) => {
      if (messageId === null) return locateNow(write);
      const { checkpoint, point } = await rewind.before(messageId);
      const { conversation: id, resumeAt } = point;
      return write({ checkpoint, conversation: id === null ? null : { id, resumeAt }, turnId: null });
    },
    become: async (checkpoint, point, place) => {
      const restored = await snapshots.holding(() => snapshots.restore(checkpoint));
      await place();
      deps.memory.keep(point);
      await snapshots.take({ reason: 'asked', turnId: null, messageIds: [] });
      return restored;
    },
    open: () => {
      if (deps.isAwaited) queue.ended();
      supply.prewarm();
    },
    command: async (given) => {
      if (underWay.has(given.id)) return;
      underWay.add(given.id);
      try {
        if (given.type === 'rewind') await goBack(given);
        else
          await snapshots.take(
            { reason: 'asked', turnId: currentTurn()?.turnId ?? null, messageIds: [] },
            { commandIds: [given.id] },
          );
      } catch (cause) {
        log('warn', 'A command could not be done.', { type: given.type, cause: String(cause) });
        // Whoever ends is told again by the next life.
        if (!isClosed) await refuse(given, cause instanceof AppError ? cause.message : bugSentence);
      } finally {
        underWay.delete(given.id);
      }
    },
    close: () => {
      isClosed = true;
      checkpoints.close();
    },
  };
};
