// What a step that could not be taken means for its session, in words: what happened, what is kept, what comes next.
// Pure: it knows no driver, no clock and no row beyond what it is shown.

import { ComputeError } from '@remote-claude/compute';
import type { SessionState } from '@remote-claude/contract';

/** What is written of a place; what is not given is null. */
export interface PlaceWords {
  status: SessionState['place']['status'];
  step?: string | null;
  reason?: string | null;
  next?: string | null;
  wanted?: SessionState['wanted'];
  diskGone?: true;
}

/** A step that could not be taken, with a message for people. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
}

/** The sentence for people; null where the fault is not the place's, such as a database that is away. */
export const reasonOf = (error: unknown): string | null =>
  error instanceof ComputeError || error instanceof StepFailure ? error.message : null;

const systemWords: Readonly<Record<string, string>> = {
  EMFILE: 'this server has no free file descriptors',
  ENFILE: 'this machine has no free file descriptors',
  ENOMEM: 'this machine has no free memory',
  ENOSPC: 'the disk of this server is full',
  EROFS: 'the disk of this server cannot be written',
  ENOENT: 'the folder of its sockets is not there',
  EACCES: 'the folder of its sockets is not there, or this server may not write to it',
};

/** An error of the system in words, without the paths that its own message names. */
export const systemReason = (error: unknown): string => {
  const { code } = error as NodeJS.ErrnoException;
  return systemWords[code ?? ''] ?? `${code ?? 'the log has the details'}`;
};

/** The step that is shown between two tries. */
export const tryingAgain = 'Trying again';

const keptAndRetried = 'Its files and its history are kept, and it is tried again by itself.';
export const failedHint = `${keptAndRetried} Start it again to try at once; if that fails too, ask whoever runs this server.`;

/** Checkpoints and what Claude remembers lie on the disk, beside the work tree. */
export const diskGoneHint =
  'What was said and done here stays readable; files, checkpoints and what Claude remembered were on that disk, and nothing ' +
  'was made in its place. Ask whoever runs this server to put it back from a backup and start the session again, or start ' +
  'it with an empty disk.';

export interface Stumbled {
  wanted: SessionState['wanted'];
  status: SessionState['place']['status'];
  hasPlace: boolean;
  /** The agent of this place has answered before. */
  reached: boolean;
}

export const stumbleWords = (
  { wanted, status, hasPlace, reached }: Stumbled,
  reason: string,
  isOver: boolean,
): PlaceWords => {
  if (wanted !== 'running') {
    if (!hasPlace) return { status: 'stopped', reason, next: keptAndRetried };
    return isOver || status === 'failed'
      ? { status: 'failed', reason: `It could not be stopped. ${reason}`, next: keptAndRetried }
      : { status: 'stopping', reason, next: keptAndRetried };
  }
  // Whether it still works cannot be seen, so nothing is called failed that may be in the middle of a turn.
  if (hasPlace && reached) return { status: 'unreachable', reason, next: `It may still be running. ${keptAndRetried}` };
  return isOver || status === 'failed'
    ? { status: 'failed', reason, next: failedHint }
    : { status: 'starting', step: tryingAgain, reason, next: keptAndRetried };
};
