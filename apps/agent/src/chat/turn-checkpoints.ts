/**
 * A checkpoint before and after each turn, beside the turn and never in its way: the first one is begun when
 * the model has been asked, so that it is taken while the model thinks, and only a tool waits for it. It does not know what
 * a checkpoint holds.
 */
import type { CommandId, TurnId } from '@remote-claude/contract';

import type { Log } from '../parts.js';
import type { Snapshots } from '../snapshots/index.js';

export interface TurnCheckpoints {
  before(turn: { turnId: TurnId; messageIds: readonly CommandId[] }): void;
  /** Claude Code has sent something to the model. */
  asked(): void;
  /** Resolves when the files are kept as they were before the turn, so that a tool may change them. */
  ready(): Promise<void>;
  after(turn: { turnId: TurnId }): void;
  /** Begins none any more. */
  close(): void;
}

export interface TurnCheckpointsDeps {
  snapshots: Pick<Snapshots, 'take'>;
  tell(text: string): void;
  log: Log;
  /** A tool does not wait longer than this: a disk that hangs must not hang the turn. */
  maxWaitMs?: number;
}

const defaultMaxWaitMs = 30_000;
/** Where nothing asks the model: a command of Claude Code's own. */
const beginAfterMs = 250;
/** The rest of the request, and what a quick model says first, go before. */
const beginAfterAskedMs = 25;

export const createTurnCheckpoints = ({
  snapshots,
  tell,
  log,
  maxWaitMs = defaultMaxWaitMs,
}: TurnCheckpointsDeps): TurnCheckpoints => {
  let taking: Promise<void> | null = null;
  /** The one that is not begun yet. */
  let next: { timer: NodeJS.Timeout; isAsked: boolean; begin(): void } | null = null;

  const beginNext = (): void => {
    const begun = next;
    next = null;
    clearTimeout(begun?.timer);
    begun?.begin();
  };

  const take = async (purpose: Parameters<Snapshots['take']>[0]): Promise<void> => {
    try {
      await snapshots.take(purpose);
    } catch (cause) {
      log('warn', 'A checkpoint could not be taken.', { reason: purpose.reason, cause: String(cause) });
      const why = cause instanceof Error ? cause.message : String(cause);
      if (purpose.reason === 'before-turn') tell(`The files cannot be rewound to before this turn: ${why}`);
    }
  };

  return {
    before: ({ turnId, messageIds }) => {
      beginNext();
      const begin = (): void => {
        const mine = take({ reason: 'before-turn', turnId, messageIds: [...messageIds] });
        taking = mine;
        void mine.then(() => {
          if (taking === mine) taking = null;
        });
      };
      next = { begin, isAsked: false, timer: setTimeout(beginNext, beginAfterMs) };
    },
    asked: () => {
      if (next === null || next.isAsked) return;
      clearTimeout(next.timer);
      next = { ...next, isAsked: true, timer: setTimeout(beginNext, beginAfterAskedMs) };
    },
    ready: async () => {
      beginNext();
      if (taking === null) return;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), maxWaitMs);
      });
      const first = await Promise.race([taking, late]);
      clearTimeout(timer);
      if (first !== 'late') return;
      taking = null;
      tell('Keeping the files as they were takes long, so Claude goes on: a rewind to this turn may not be exact.');
    },
    after: ({ turnId }) => {
      // It comes before: a turn may be over in less than that moment.
      beginNext();
      void take({ reason: 'after-turn', turnId, messageIds: [] });
    },
    close: () => {
      clearTimeout(next?.timer);
      next = null;
    },
  };
};
