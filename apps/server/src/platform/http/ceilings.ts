// How many requests at a time, and how many in a second: of one person, and of all. It knows no route and no rule.

import { AppError } from '@remote-claude/contract';

import type { Clock } from '../clock.js';
import { createPace, type Pace, type PaceLimits } from '../pace.js';

export interface RequestCeilings {
  /** Of everybody, under way at a time. */
  maxOpen: number;
  /** Of one person. */
  maxOpenEach: number;
  each: PaceLimits;
}

export interface Ceilings {
  /** Throws `unavailable`; returns what is to be called when the request is over. */
  enter(): () => void;
  /** Counts it for a person as well; throws `rate_limited`. */
  enterAs(userId: string): () => void;
}

interface Person {
  open: number;
  pace: Pace;
}

/** People whose pace is remembered while they ask for nothing. */
const maxRemembered = 10_000;
const retryAfterMs = 1_000;

export const createCeilings = (clock: Clock, { maxOpen, maxOpenEach, each }: RequestCeilings): Ceilings => {
  const people = new Map<string, Person>();
  let open = 0;

  const personOf = (userId: string): Person => {
    const person = people.get(userId) ?? { open: 0, pace: createPace(clock, each) };
    // The longest silent comes first.
    people.delete(userId);
    people.set(userId, person);
    const [[oldest, { open: busy }] = ['', { open: 1 }]] = people;
    if (people.size > maxRemembered && busy === 0) people.delete(oldest);
    return person;
  };

  return {
    enter() {
      if (open >= maxOpen)
        throw new AppError('unavailable', {
          message: 'The server has as much to do as it can. Nothing was changed; try again shortly.',
          retryAfterMs,
        });
      open += 1;
      return () => {
        open -= 1;
      };
    },
    enterAs(userId) {
      const person = personOf(userId);
      if (person.open >= maxOpenEach || !person.pace.take(1)) throw new AppError('rate_limited', { retryAfterMs });
      person.open += 1;
      return () => {
        person.open -= 1;
      };
    },
  };
};

/** The places that one request has among the others. */
export interface Stay {
  add(leave: () => void): void;
  /** Its connection is done with it. Who hangs up keeps the places until what was begun is over. */
  end(): void;
  /** Throws `client_closed` where it is over. */
  during<T>(work: () => Promise<T>): Promise<T>;
}

export const createStay = (): Stay => {
  const leaves: (() => void)[] = [];
  let holders = 1;
  const letGo = (): void => {
    holders -= 1;
    if (holders === 0) for (const leave of leaves) leave();
  };
  return {
    add: (leave) => void leaves.push(leave),
    end: letGo,
    async during(work) {
      if (holders === 0) throw new AppError('client_closed');
      holders += 1;
      try {
        return await work();
      } finally {
        letGo();
      }
    },
  };
};
