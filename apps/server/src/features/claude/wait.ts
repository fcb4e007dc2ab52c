// Waits until the turn that works on a message has ended, by following the log. It knows no request and no socket.

import {
  AppError,
  type CommandId,
  type NumberedEvent,
  type SessionEvent,
  type TokenUsage,
  type TurnId,
} from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import type { Events } from '../events/index.js';

export interface TurnAnswer {
  messageId: CommandId;
  turnId: TurnId;
  outcome: 'completed' | 'interrupted' | 'failed';
  message: string | null;
  reason: string | null;
  usage: TokenUsage;
}

export interface WaitDeps {
  events: Pick<Events, 'follow' | 'wholeText'>;
  clock: Clock;
  maxWaitMs: number;
}

export interface WaitRequest {
  sessionId: string;
  messageId: CommandId;
  /** Number of the message's own event. */
  afterSeq: number;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
}

type Ended = Extract<SessionEvent, { type: 'turn.ended' }>;

/** Errors: `conflict` where the message was taken back or refused, `session_not_running`, `timed_out`, `client_closed`; it stays queued then. */
export const waitForTurn = async (
  { events, clock, maxWaitMs }: WaitDeps,
  request: WaitRequest,
): Promise<TurnAnswer> => {
  const { sessionId, messageId, signal } = request;
  const ended = await new Promise<Ended>((resolve, reject) => {
    let turnId: TurnId | null = null;
    const look = ({ event }: NumberedEvent): void => {
      if (event.type === 'turn.started' && event.messageIds.includes(messageId)) turnId = event.turnId;
      else if (event.type === 'turn.ended' && event.turnId === turnId) finish(() => resolve(event));
      else if (event.type === 'message.withdrawn' && event.messageId === messageId) {
        finish(() =>
          reject(new AppError('conflict', { message: 'The message was taken back before Claude saw it.', messageId })),
        );
      } else if (event.type === 'command.refused' && event.commandId === messageId) {
        finish(() => reject(new AppError('conflict', { message: event.reason, messageId })));
      } else if (event.type === 'place.changed' && (event.wanted !== 'running' || event.status === 'failed')) {
        // The message stays queued: it is worked on when the session runs again.
        finish(() => reject(new AppError('session_not_running', { messageId })));
      }
    };
    const follower = events.follow(sessionId, request.afterSeq, (page) => page.forEach(look));
    const cancelTimer = clock.after(maxWaitMs, () =>
      finish(() =>
        reject(
          new AppError('timed_out', {
            message: 'Claude is still at work. The message is kept; read the history for the answer.',
            messageId,
          }),
        ),
      ),
    );
    const onAbort = (): void => finish(() => reject(new AppError('client_closed')));
    signal.addEventListener('abort', onAbort, { once: true });
    const finish = (settle: () => void): void => {
      follower.close();
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    if (signal.aborted) onAbort();
  });
  return {
    messageId,
    turnId: ended.turnId,
    outcome: ended.outcome,
    message: ended.message === null ? null : await events.wholeText(sessionId, ended.message),
    reason: ended.reason,
    usage: ended.usage,
  };
};
