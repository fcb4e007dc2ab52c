/**
 * The one table of errors: what each code means on HTTP and on sockets.
 * It does not know how an error travels; a server answers `ErrorBody`, a socket sends an `error` message.
 */
import { z } from 'zod';

interface ErrorRow {
  /** HTTP status. A socket that must close for this error closes with 4000 + status. */
  status: number;
  /** Whether the same request may succeed later without a change. */
  retryable: boolean;
  /** The default sentence: what happened, and what to do next. */
  message: string;
}

const rows = {
  bad_request: { status: 400, retryable: false, message: 'The request could not be understood.' },
  validation_failed: { status: 400, retryable: false, message: 'Some fields are missing or wrong; see the details.' },
  unsupported_option: { status: 400, retryable: false, message: 'This option is not supported.' },
  unauthenticated: { status: 401, retryable: false, message: 'You are not signed in. Sign in and try again.' },
  wrong_credentials: { status: 401, retryable: false, message: 'The e-mail address or the password is wrong.' },
  setup_token_wrong: {
    status: 401,
    retryable: false,
    message: 'This set-up link is not valid. Use the link that the server printed when it started first.',
  },
  forbidden: { status: 403, retryable: false, message: 'Your role does not allow this. Ask an administrator.' },
  origin_refused: {
    status: 403,
    retryable: false,
    message: 'This page is not at an address that the server trusts. Add it to server.trustedOrigins.',
  },
  path_refused: { status: 403, retryable: false, message: 'This path leads out of the work tree.' },
  egress_refused: { status: 403, retryable: false, message: 'The gateway does not allow this.' },
  not_found: { status: 404, retryable: false, message: 'There is nothing here, or you have no access to it.' },
  method_not_allowed: { status: 405, retryable: false, message: 'This address does not take that method.' },
  conflict: { status: 409, retryable: false, message: 'This conflicts with what is there already.' },
  edit_conflict: {
    status: 409,
    retryable: false,
    message: 'The file has changed since you opened it. Both versions are kept; compare them and save again.',
  },
  already_exists: { status: 409, retryable: false, message: 'Something with this name exists already.' },
  already_answered: { status: 409, retryable: false, message: 'Somebody has answered this already.' },
  setup_done: { status: 409, retryable: false, message: 'This server is set up already. Sign in.' },
  session_limit: {
    status: 409,
    retryable: false,
    message: 'You have as many sessions as are allowed. Stop or terminate one first.',
  },
  session_not_running: { status: 409, retryable: false, message: 'This session is not running. Start it first.' },
  wrong_kind: { status: 409, retryable: false, message: 'This is not the kind of file that the operation needs.' },
  not_empty: { status: 409, retryable: false, message: 'The folder is not empty.' },
  outcome_unknown: {
    status: 409,
    retryable: false,
    message:
      'The first request with this Idempotency-Key was begun, and it is not known what came of it. Look at what is there before you send it under another key.',
  },
  precondition_failed: { status: 412, retryable: false, message: 'What is stored is not what the request expected.' },
  payload_too_large: { status: 413, retryable: false, message: 'This is larger than the server takes.' },
  unsupported_media: { status: 415, retryable: false, message: 'The server does not take this content type.' },
  range_invalid: { status: 416, retryable: false, message: 'The range lies outside the file.' },
  key_reused: {
    status: 422,
    retryable: false,
    message:
      'This Idempotency-Key came with another request before. Nothing was done; use a new key for a new request.',
  },
  precondition_required: { status: 428, retryable: false, message: 'Say with If-Match which version this replaces.' },
  rate_limited: { status: 429, retryable: true, message: 'Too many requests. Wait a moment and try again.' },
  client_closed: { status: 499, retryable: true, message: 'The caller went away before the answer was ready.' },
  internal: { status: 500, retryable: false, message: 'Something went wrong on the server. The log has the details.' },
  upstream_failed: { status: 502, retryable: true, message: 'A service that this needs gave a wrong answer.' },
  unavailable: { status: 503, retryable: true, message: 'The server cannot do this right now. Try again shortly.' },
  place_unreachable: {
    status: 503,
    retryable: true,
    message: 'The session does not answer right now; it may still be running. Try again shortly.',
  },
  model_not_configured: {
    status: 503,
    retryable: false,
    message: 'No model key is set. An administrator can enter one in the settings.',
  },
  timed_out: { status: 504, retryable: true, message: 'This took too long and was given up.' },
  no_space: {
    status: 507,
    retryable: false,
    message: 'The disk is full. Nothing was changed; free some room and retry.',
  },
} satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof rows;
export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = rows;
export const errorCodes = Object.keys(rows) as [ErrorCode, ...ErrorCode[]];
export const errorCode = z.enum(errorCodes);

/** What an error looks like inside `{ error }` and in a socket's `error` message. */
export const errorPayload = z.object({
  code: errorCode,
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
  requestId: z.string().optional(),
});
export type ErrorPayload = z.infer<typeof errorPayload>;

/** Body of every answer whose status is 400 or more. */
export const errorBody = z.object({ error: errorPayload });
export type ErrorBody = z.infer<typeof errorBody>;

/** The only error that is thrown on purpose. `details.message`, where given, replaces the table's sentence. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, details: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super(typeof details['message'] === 'string' ? details['message'] : errorTable[code].message, options);
    this.name = 'AppError';
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }

  toPayload(requestId?: string): ErrorPayload {
    const { message: _message, ...details } = this.details;
    return {
      code: this.code,
      message: this.message,
      ...(Object.keys(details).length > 0 ? { details } : {}),
      ...(requestId === undefined ? {} : { requestId }),
    };
  }
}

/** The code with which a socket closes for an error: 4000 + HTTP status. */
export const closeCodeOf = (code: ErrorCode): number => 4000 + errorTable[code].status;

/** A close with which a server asks its clients to come back after the time in the reason, in milliseconds. */
export const closeServiceRestart = 1012;
