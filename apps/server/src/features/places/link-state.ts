// The life of a link to an agent as a table without a missing cell. Pure: it knows no socket and no clock.

export type LinkState = 'idle' | 'dialing' | 'greeting' | 'up' | 'waiting' | 'closed';
export type LinkInput =
  /** It is time to connect. */
  | 'dial'
  | 'opened'
  /** The agent's first message. */
  | 'hello'
  /** The socket ended, or never came. */
  | 'lost'
  /** Nobody wants the link any more. */
  | 'close';

/** Every state answers every input; what has no meaning there changes nothing. */
const table: Readonly<Record<LinkState, Readonly<Record<LinkInput, LinkState>>>> = {
  idle: { dial: 'dialing', opened: 'idle', hello: 'idle', lost: 'idle', close: 'closed' },
  dialing: { dial: 'dialing', opened: 'greeting', hello: 'dialing', lost: 'waiting', close: 'closed' },
  greeting: { dial: 'greeting', opened: 'greeting', hello: 'up', lost: 'waiting', close: 'closed' },
  up: { dial: 'up', opened: 'up', hello: 'up', lost: 'waiting', close: 'closed' },
  waiting: { dial: 'dialing', opened: 'waiting', hello: 'waiting', lost: 'waiting', close: 'closed' },
  closed: { dial: 'closed', opened: 'closed', hello: 'closed', lost: 'closed', close: 'closed' },
};

export const nextLinkState = (state: LinkState, input: LinkInput): LinkState => table[state][input];

/** The pause before another try, after so many failures in a row: doubling, with jitter, so that links do not return all at once. */
export const linkRetryMs = (
  failures: number,
  limits: { minRetryMs: number; maxRetryMs: number },
  chance: number,
): number => {
  const pauseMs = Math.min(limits.maxRetryMs, limits.minRetryMs * 2 ** Math.min(failures, 20));
  return pauseMs * (0.5 + chance / 2);
};
