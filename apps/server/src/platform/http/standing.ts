// What is under way by a person's sign-in and part in a session: sockets and requests, each told when the one ends or the
// other changes, so that nothing outlives what let it in. It knows no rule; who is told asks again.

import type { Cancel, Clock } from '../clock.js';
import type { Actor } from './types.js';

export interface StandingDeps {
  clock: Clock;
  /** Tells the sign-ins that end, until the returned function is called; after a gap, those in `open` that have. */
  onRevoked(listener: (loginId: string) => void, open: () => Iterable<string>): () => void;
  /** Tells who may do more or less, until the returned function is called; null: anybody. */
  onMembersChanged(listener: (change: MembersChange | null) => void): () => void;
}

/** Of whom; null for the session is any that they are in. */
export interface MembersChange {
  sessionId: string | null;
  userId: string;
}

export interface Standee {
  actor: Pick<Actor, 'loginId' | 'userId'>;
  sessionId: string;
  /** The sign-in is worth nothing any more. */
  onRevoked(): void;
  /** The person may do more or less in the session, perhaps. */
  onChanged(): void;
}

export interface Standing {
  /** A sign-in that ended a moment ago: what it let in just before comes after the news of it. */
  isOver(loginId: string): boolean;
  /** Is told until the returned function is called. */
  add(one: Standee): () => void;
  close(): void;
}

/** Longer than it takes from the look at a sign-in until what it let in is here. */
const endedKeptMs = 60_000;

const isAbout = (change: MembersChange, sessionId: string): boolean =>
  change.sessionId === null || change.sessionId === sessionId;

export const createStanding = ({ clock, onRevoked, onMembersChanged }: StandingDeps): Standing => {
  const open = new Set<Standee>();
  const ended = new Map<string, Cancel>();

  const leaveRevocations = onRevoked(
    (loginId) => {
      ended.get(loginId)?.();
      ended.set(
        loginId,
        clock.after(endedKeptMs, () => ended.delete(loginId)),
      );
      for (const one of open) if (one.actor.loginId === loginId) one.onRevoked();
    },
    () => Array.from(open, ({ actor }) => actor.loginId),
  );
  const leaveMembers = onMembersChanged((change) => {
    for (const one of open)
      if (change === null || (isAbout(change, one.sessionId) && change.userId === one.actor.userId)) one.onChanged();
  });

  return {
    isOver: (loginId) => ended.has(loginId),
    add(one) {
      open.add(one);
      return () => void open.delete(one);
    },
    close() {
      leaveRevocations();
      leaveMembers();
      for (const cancel of ended.values()) cancel();
    },
  };
};
