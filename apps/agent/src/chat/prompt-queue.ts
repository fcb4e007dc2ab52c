/**
 * Prompts that wait for Claude: which one runs, which come next, which are taken back.
 * It knows nothing of the SDK, of processes or of the log: `start` begins a turn somewhere, `ended` says that it is over.
 *
 * Invariants:
 * 1. One turn at a time. `start` is called only while nothing runs, and what it started runs until `ended`.
 * 2. Every prompt is started at most once, in the order in which they came. An id that is known is not taken again.
 * 3. A prompt can be withdrawn until it is started, and never afterwards.
 * 4. How a turn ends is no matter: after an answer, an interrupt, a failure or a crash the next prompt starts. An
 *    interrupt ends the running turn alone; what waits is kept.
 * 5. Claude may begin a turn by itself (`occupy`, a background task that reports): prompts wait for its end too.
 * 6. While anybody holds it nothing is started; what runs goes on, and what waits can be withdrawn.
 * 7. After `close` nothing is started. What waited is not lost: its sender sends it again to the next agent.
 */
import type { CommandId } from '@remote-claude/contract';

export interface Prompt {
  id: CommandId;
  text: string;
  /** Said to Claude for an answer whose process is gone; nobody sees it. */
  isForAnswer?: boolean;
}

export interface PromptQueue {
  /** False where the prompt waits or runs already. */
  add(prompt: Prompt): boolean;
  /** False where it is not waiting: started, withdrawn before, or never seen. */
  withdraw(id: CommandId): boolean;
  /** Claude works without a prompt. False where a turn runs already. */
  occupy(): boolean;
  /** The running turn is over. Harmless where none runs. */
  ended(): void;
  /** Nothing is started until what it gives is called. */
  hold(): () => void;
  readonly isBusy: boolean;
  readonly waiting: number;
  close(): void;
}

export const createPromptQueue = ({ start }: { start(prompt: Prompt): void }): PromptQueue => {
  const waiting: Prompt[] = [];
  let running: Prompt | 'claude' | null = null;
  const holds = new Set<symbol>();
  let closed = false;

  const next = (): void => {
    if (closed || running !== null || holds.size > 0) return;
    const prompt = waiting.shift();
    if (prompt === undefined) return;
    running = prompt;
    start(prompt);
  };
  const isKnown = (id: CommandId): boolean =>
    waiting.some((prompt) => prompt.id === id) || (running !== null && running !== 'claude' && running.id === id);

  return {
    add: (prompt) => {
      if (isKnown(prompt.id)) return false;
      waiting.push(prompt);
      next();
      return true;
    },
    withdraw: (id) => {
      const index = waiting.findIndex((prompt) => prompt.id === id);
      if (index === -1) return false;
      waiting.splice(index, 1);
      return true;
    },
    occupy: () => {
      if (running !== null) return false;
      running = 'claude';
      return true;
    },
    ended: () => {
      running = null;
      next();
    },
    hold: () => {
      const own = Symbol('hold');
      holds.add(own);
      return () => {
        holds.delete(own);
        next();
      };
    },
    get isBusy() {
      return running !== null;
    },
    get waiting() {
      return waiting.length;
    },
    close: () => {
      closed = true;
    },
  };
};
