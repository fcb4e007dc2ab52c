// Turns whatever was thrown into the one shape of errors. What is not an AppError is a bug: bland text, full log.

import { AppError, type ErrorBody } from '@remote-claude/contract';
import { z } from 'zod';

import { isDataException, isDiskFull, isUnavailable } from '../database/errors.js';
import type { Log } from '../log.js';

const fastifyCodes: Readonly<Record<string, ConstructorParameters<typeof AppError>[0]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'bad_request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'bad_request',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
};

/** Fields that are wrong, by their path, for `details`. */
export const invalidFields = (error: z.ZodError): AppError => {
  const fields = error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  const first = fields[0];
  return new AppError('validation_failed', {
    ...(first === undefined ? {} : { message: first.path === '' ? first.message : `${first.path}: ${first.message}` }),
    fields,
  });
};

export const toAppError = (thrown: unknown): AppError => {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof z.ZodError) return invalidFields(thrown);
  const { code, statusCode } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as Record<string, unknown>;
  const known = typeof code === 'string' ? fastifyCodes[code] : undefined;
  if (known !== undefined) return new AppError(known, {}, { cause: thrown });
  if (thrown instanceof SyntaxError && statusCode === 400)
    return new AppError('bad_request', { message: 'The body is not valid JSON.' });
  if (isDiskFull(thrown)) {
    const message = 'The disk of the server’s database is full. Nothing was changed; try again when there is room.';
    return new AppError('unavailable', { message }, { cause: thrown });
  }
  if (isUnavailable(thrown)) return new AppError('unavailable', {}, { cause: thrown });
  if (isDataException(thrown)) {
    const message = 'A value has a form that cannot be stored. Look for characters that do not belong in it.';
    return new AppError('validation_failed', { message }, { cause: thrown });
  }
  return new AppError('internal', {}, { cause: thrown });
};

export const errorAnswer = (thrown: unknown, requestId: string, log: Log): { status: number; body: ErrorBody } => {
  const error = toAppError(thrown);
  if (error.code === 'internal') log.error({ err: error.cause ?? error, requestId }, 'request failed');
  else if (error.status >= 500 || isDataException(error.cause))
    log.warn({ code: error.code, requestId, cause: String(error.cause ?? '') }, 'request refused');
  return { status: error.status, body: { error: error.toPayload(requestId) } };
};

/** The same for a connection whose answer nobody else writes, which ends with it. */
export const rawAnswer = (thrown: unknown, requestId: string, log: Log): string => {
  const { status, body } = errorAnswer(thrown, requestId, log);
  const json = JSON.stringify(body);
  const length = Buffer.byteLength(json);
  return `HTTP/1.1 ${status} Refused\r\nconnection: close\r\nx-request-id: ${requestId}\r\ncache-control: no-store\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${json}`;
};
