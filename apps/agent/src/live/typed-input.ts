/**
 * Input frames of one socket: each number is typed once, however often it comes, and acknowledged for many at a time, because an
 * acknowledgement for every key would stand in the way of its echo. It does not know terminals or sockets.
 */
import { AppError, frameKind, type TerminalFrame, type TerminalId } from '@remote-claude/contract';

/** What is typed without a pause is acknowledged at the latest after so many bytes, or so long after the first of them. */
const acknowledgeBytes = 64 * 1024;
const acknowledgeAfterMs = 50;
/** While the program has more than this before it, nothing is acknowledged: whoever types waits at their end. */
const maxUntakenBytes = 64 * 1024;

interface Typed {
  /** Number of the last frame that was typed. */
  number: number;
  /** Since the last acknowledgement; null where none is owed. */
  owedBytes: number | null;
}

export interface TypedInput {
  take(frame: TerminalFrame): void;
  forget(id: TerminalId): void;
  close(): void;
}

export interface TypedInputOptions {
  /** Throws what was not typed; its number is then free for another try. */
  write(id: TerminalId, bytes: Uint8Array): void;
  acknowledge(id: TerminalId, number: number): void;
  /** Bytes that were written and that the program has not taken. */
  untakenBytes(id: TerminalId): number;
}

export const createTypedInput = ({ write, acknowledge, untakenBytes }: TypedInputOptions): TypedInput => {
  const typed = new Map<TerminalId, Typed>();
  let timer: NodeJS.Timeout | null = null;

  const pay = (id: TerminalId, one: Typed): void => {
    if (one.owedBytes === null || untakenBytes(id) > maxUntakenBytes) return;
    one.owedBytes = null;
    acknowledge(id, one.number);
  };
  const payLater = (): void => void (timer ??= setTimeout(payAll, acknowledgeAfterMs));
  const payAll = (): void => {
    timer = null;
    for (const [id, one] of typed) pay(id, one);
    if ([...typed.values()].some(({ owedBytes }) => owedBytes !== null)) payLater();
  };

  return {
    take({ kind, terminalId, position, bytes }) {
      if (kind !== frameKind.input || position < 1)
        throw new AppError('validation_failed', {
          message: 'Only input frames, numbered from 1, are sent to a terminal.',
        });
      const one = typed.get(terminalId) ?? { number: 0, owedBytes: null };
      if (position > one.number) {
        write(terminalId, bytes);
        one.number = position;
        typed.set(terminalId, one);
      }
      one.owedBytes = (one.owedBytes ?? 0) + bytes.length;
      if (one.owedBytes >= acknowledgeBytes) pay(terminalId, one);
      if (one.owedBytes !== null) payLater();
    },
    forget: (id) => void typed.delete(id),
    close() {
      if (timer !== null) clearTimeout(timer);
      typed.clear();
    },
  };
};
