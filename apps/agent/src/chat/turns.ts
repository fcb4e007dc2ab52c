/**
 * The life of a turn: begun on the disk before Claude hears of it, ended once, with everything that was open in it.
 * It does not know who ends it, nor which prompt comes next.
 */
import { randomUUID } from 'node:crypto';

import {
  noTokens,
  type CommandId,
  type EventOf,
  type OpenBlock,
  type ServerMessage,
  type TokenUsage,
  type TurnId,
} from '@remote-claude/contract';

import type { Propose } from '../parts.js';
import type { Approvals } from './approvals.js';
import type { Blocks } from './blocks.js';
import { boundedText } from './bounded.js';
import type { ToolCalls } from './tool-calls.js';

export interface Turn {
  readonly turnId: TurnId;
  readonly messageIds: readonly CommandId[];
  /** The id under which Claude Code was told what to do; null where it began by itself. */
  readonly promptId: CommandId | null;
  readonly startedAt: number;
  /** The interrupts that people sent: done when the turn has ended. */
  interruptIds: CommandId[];
  /** Claude's last words. */
  message: string | null;
  /** What Claude Code said in place of an answer, and its category. */
  failure: { error: string | null; said: string | null } | null;
  /** Set where the agent itself ends the turn: why. */
  givenUp: string | null;
}

export interface TurnEnd {
  outcome: EventOf<'turn.ended'>['outcome'];
  reason: string | null;
  usage?: TokenUsage;
  /** Of calls that were released and have no result: cut by the turn's end, or nobody knows. */
  openTools: 'interrupted' | 'unknown';
  /** Subagents in the background outlive a turn, but not the process. */
  scope: 'main' | 'all';
  /** The process is gone and nobody asked for it: what waits for an answer is kept. */
  keepsApprovals?: boolean;
}

export interface Turns {
  readonly current: Turn | null;
  /** Of the current turn, or of the one before: for what comes late. */
  readonly lastId: TurnId | null;
  /** `done` are commands that have their effect with this. The record of what is under way is the caller's matter. */
  begin(prompt: { messageIds: readonly CommandId[]; id: CommandId | null; done: readonly CommandId[] }): Promise<Turn>;
  /** Harmless where the turn was ended already. */
  end(turn: Turn, how: TurnEnd): Promise<void>;
  /** The process ended between turns: what it did in the background is over, and what waits for an answer is kept. */
  loseBackground(): Promise<void>;
  /** When the last one ended; for idle rules. */
  readonly endedAt: number;
}

export interface TurnsDeps {
  propose: Propose;
  publish(message: ServerMessage): void;
  blocks: Blocks;
  tools: ToolCalls;
  approvals: Approvals;
  keepBlob(text: string): string | null;
  now(): number;
  /** The record of what is under way must be written now. */
  onChange(): void;
}

const expiredReason = 'The call that asked was ended before anyone answered; it never ran.';

export const createTurns = (deps: TurnsDeps): Turns => {
  const { propose, publish, blocks, tools, approvals, keepBlob, now, onChange } = deps;
  let current: Turn | null = null;
  let ending: Turn | null = null;
  let lastId: TurnId | null = null;
  let endedAt = now();

  return {
    get current() {
      return current;
    },
    get lastId() {
      return lastId;
    },
    get endedAt() {
      return endedAt;
    },
    begin: async ({ messageIds, id, done }) => {
      const turnId = randomUUID() as TurnId;
      const turn: Turn = {
        turnId,
        messageIds,
        promptId: id,
        startedAt: now(),
        interruptIds: [],
        message: null,
        failure: null,
        givenUp: null,
      };
      current = turn;
      lastId = turnId;
      // Written is enough to begin: no tool runs before its own event is kept, which comes after this one.
      await propose({ type: 'turn.started', turnId, messageIds: [...messageIds] }, done, 'written');
      return turn;
    },
    end: async (turn, { outcome, reason, usage = noTokens, openTools, scope, keepsApprovals = false }) => {
      if (current !== turn || ending === turn) return;
      ending = turn;
      const { turnId } = turn;
      // What a subagent in the background asks stays open: its call is still waiting.
      if (scope === 'all') await (keepsApprovals ? approvals.keepAll() : approvals.expireAll(expiredReason));
      for (const block of blocks.takeUnfinished(scope)) void propose(interruptedBlock(block, keepBlob));
      await tools.endAll(openTools, scope);
      const message = turn.message === null ? null : boundedText(turn.message, keepBlob);
      const durationMs = Math.max(0, now() - turn.startedAt);
      await propose({ type: 'turn.ended', turnId, outcome, reason, message, usage, durationMs }, turn.interruptIds);
      publish({ id: '', type: 'claude-complete', payload: { success: outcome === 'completed', turnId, outcome } });
      current = null;
      ending = null;
      endedAt = now();
      onChange();
    },
    loseBackground: async () => {
      await approvals.keepAll();
      for (const block of blocks.takeUnfinished('all')) void propose(interruptedBlock(block, keepBlob));
      await tools.endAll('unknown', 'all');
      onChange();
    },
  };
};

export const interruptedBlock = (
  { turnId, blockId, kind, text }: OpenBlock,
  keepBlob: (text: string) => string | null,
): EventOf<'block.interrupted'> => ({
  type: 'block.interrupted',
  turnId,
  blockId,
  kind,
  text: boundedText(text, keepBlob),
});
