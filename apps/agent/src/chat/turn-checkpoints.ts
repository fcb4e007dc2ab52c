/**
 * A checkpoint before and after each turn, beside the turn and never in its way: the first one is taken while the model
 * thinks, and only a tool waits for it. It does not know what a checkpoint holds.
 */
import type { CommandId, TurnId } from '@remote-claude/contract';

import type { Log } from '../parts.js';
import type { Snapshots } from '../snapshots/index.js';

export interface TurnCheckpoints {
  before(turn: { turnId: TurnId; messageIds: readonly CommandId[] }): void;
  /** Resolves when the files are kept as they were before the turn, so that a tool may change them. */
  ready(): Promise<void>;
  after(turn: { turnId: TurnId }): void;
}

export interface TurnCheckpointsDeps {
  snapshots: Pick<Snapshots, 'take'>;
  tell(text: string): void;
  log: Log;
  /** A tool does not wait longer than this: a disk that hangs must not hang the turn. */
  maxWaitMs?: number;
}

const defaultMaxWaitMs = 30_000;

export const createTurnCheckpoints = ({
  snapshots,
  tell,
  log,
  maxWaitMs = defaultMaxWaitMs,
}: TurnCheckpointsDeps): TurnCheckpoints => {
  let taking: Promise<void> | null = null;

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
      const mine = take({ reason: 'before-turn', turnId, messageIds: [...messageIds] });
      taking = mine;
      void mine.then(() => {
        if (taking === mine) taking = null;
      });
    },
    ready: async () => {
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
    after: ({ turnId }) => void take({ reason: 'after-turn', turnId, messageIds: [] }),
  };
};
