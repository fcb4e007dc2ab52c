// Turns as a person sees them: a message sent, its turn, and the turn's end.

import { routes, type EventOf, type SessionId, type TurnId } from '@remote-claude/contract';

import type { Person } from './people.js';
import type { Viewer } from './viewer.js';

/** Sends a message and answers with its turn as soon as that began. */
export const sayIn = async (person: Person, sessionId: SessionId, viewer: Viewer, message: string): Promise<TurnId> => {
  const { messageId } = await person.client.call(routes.claude.chat, {
    params: { id: sessionId },
    body: { message, wait: false },
  });
  return (await viewer.event('turn.started', ({ messageIds }) => messageIds.includes(messageId))).turnId;
};

export const endOfTurn = (viewer: Viewer, turnId: TurnId, timeoutMs = 60_000): Promise<EventOf<'turn.ended'>> =>
  viewer.event('turn.ended', (event) => event.turnId === turnId, timeoutMs);
