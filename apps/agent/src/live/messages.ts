/** What a live socket accepts, out of a frame's bytes. It does not know what a message does. */
import { AppError, clientMessage, liveMessageTypes, type LiveMessage } from '@remote-claude/contract';

import { validated } from '../files/index.js';

/** A frame that is not a message: with the id of its envelope, as far as it has one. */
export class FrameError extends Error {
  constructor(
    readonly id: string,
    readonly error: AppError,
  ) {
    super(error.message);
    this.name = 'FrameError';
  }
}

const idOf = (value: unknown): string => {
  const id = (value as { id?: unknown } | null)?.id;
  return typeof id === 'string' && id.length <= 64 ? id : '';
};

const types: readonly string[] = liveMessageTypes;

/** Throws a `FrameError`. */
export const parseMessage = (text: string): LiveMessage => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FrameError('', new AppError('validation_failed', { message: 'This is not JSON.' }));
  }
  const type = (value as { type?: unknown } | null)?.type;
  if (typeof type !== 'string' || !types.includes(type)) {
    throw new FrameError(
      idOf(value),
      new AppError('validation_failed', { message: `A message's type is one of: ${types.join(', ')}.` }),
    );
  }
  try {
    return validated(clientMessage, value) as LiveMessage;
  } catch (error) {
    throw new FrameError(idOf(value), error as AppError);
  }
};
