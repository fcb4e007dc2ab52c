// Why the files of a fork do not come, in words: what happened, what is kept, what to do. Pure.

import { AppError, type SessionState } from '@remote-claude/contract';

import type { ForkSource } from './fork-store.js';
import type { PlaceWords } from './stumble.js';

type Fork = NonNullable<SessionState['fork']>;

/** The other session, and not this one, is why it cannot go on now. */
export class SourceError extends Error {
  constructor(override readonly cause: AppError) {
    super(cause.message);
  }
}

export interface LastWords {
  reason: string;
  next: string;
}

/** It is not tried again before a person asks. */
export class FillingOver extends Error {
  constructor(readonly words: LastWords) {
    super(words.reason);
  }
}

/** What is shown while the other session is away; its time counts by this. */
export const waitingStep = (name: string): string => `Waiting for “${name}”`;

const historyStays = 'What was said before the fork stays readable here.';
const forkAgain = 'Terminate this session and fork the other one again.';

/** Why nothing may or can come of that session; null where it can, now or as soon as it runs. */
export const sourceOver = (source: ForkSource['source'], mayFork: boolean, { name }: Fork): LastWords | null => {
  const from = `“${name}”`;
  if (source === null || source.wanted === 'terminated') {
    const what = source === null ? 'does not exist any more' : 'was terminated before its files were copied';
    const next = `${historyStays} Terminate this session: its files cannot come any more.`;
    return { reason: `${from}, from which this session is forked, ${what}.`, next };
  }
  if (!mayFork) {
    return {
      reason: `The owner of this session may not fork ${from} any more, so its files were not copied.`,
      next: `${historyStays} Terminate this session; when ${from} is shared again, fork it again.`,
    };
  }
  if (source.wanted === 'running' && source.place.status === 'failed') {
    return {
      reason: `${from}, from which this session is forked, could not be started: ${source.place.reason ?? 'its page says why.'}`,
      next: `Start ${from}. When it runs, start this session again, and its files are copied.`,
    };
  }
  return null;
};

/** The other session did not run for so long that the place is given back. */
export const waitedTooLong = (name: string, waitedMs: number): LastWords => ({
  reason: `“${name}”, from which this session is forked, did not run for ${Math.ceil(waitedMs / 60_000)} min, so its files could not be copied. This session has given its place back.`,
  next: `Start “${name}”. When it runs, start this session again, and its files are copied.`,
});

const awayCodes: readonly string[] = ['session_not_running', 'place_unreachable', 'unavailable', 'client_closed'];
/** That is no failure: it is waited for. */
export const isAway = (error: unknown): error is SourceError =>
  error instanceof SourceError && awayCodes.includes(error.cause.code);

const isGone = (error: unknown): error is SourceError =>
  error instanceof SourceError && ['not_found', 'conflict', 'forbidden'].includes(error.cause.code);

/** `isOver`: it was tried often enough. */
export const lastWords = (error: unknown, { name }: Fork, isOver: boolean): LastWords | null => {
  if (error instanceof FillingOver) return error.words;
  if (isAway(error)) return null;
  if (isGone(error)) return { reason: error.message, next: forkAgain };
  const code = error instanceof AppError ? error.code : null;
  if (code === 'no_space' || code === 'payload_too_large') {
    return {
      reason: `The disk of this session has no room for the files of “${name}”.`,
      next: 'Ask whoever runs this server for a larger disk, then start this session again. The other session is as it was.',
    };
  }
  if (!isOver) return null;
  return {
    reason: failedReason(error, name),
    next: 'Start this session again to try once more. The other session is as it was.',
  };
};

/** It is tried again by itself. */
export const waitingWords = (error: unknown, { name }: Fork): PlaceWords => {
  const from = `“${name}”`;
  if (isAway(error)) {
    const step = waitingStep(name);
    if (error.cause.code === 'unavailable')
      return { status: 'starting', step, reason: error.message, next: 'The copying goes on by itself.' };
    return {
      status: 'starting',
      step,
      reason: `${from}, from which this session is forked, must run for its files to be copied.`,
      next: `Start ${from}; the copying goes on by itself.`,
    };
  }
  const step = `Copying files from ${from} again`;
  return { status: 'starting', step, reason: failedReason(error, name), next: 'It is tried again by itself.' };
};

const failedReason = (error: unknown, name: string): string =>
  `The files could not be copied from “${name}”: ${sentenceOf(error)}`;
const sentenceOf = (error: unknown): string => {
  const said = error instanceof SourceError ? error.cause : error;
  return said instanceof AppError && said.code !== 'place_unreachable'
    ? said.message
    : 'the connection between the two broke off.';
};
