/**
 * Errors in the exact shape of the Messages API: type by status, body, headers. It does not know why one is sent.
 */
export interface ApiError {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  /** Sent as `retry-after`, in seconds. */
  readonly retryAfterS?: number | undefined;
  /** False tells the client's library not to try again, whatever the status. */
  readonly shouldRetry?: false | undefined;
}

const known: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['invalid_request_error', 'The request is not valid.'],
  401: ['authentication_error', 'invalid x-api-key'],
  402: ['billing_error', 'Your credit balance is too low.'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'The requested resource could not be found.'],
  405: ['invalid_request_error', 'Method Not Allowed'],
  413: ['request_too_large', 'Request exceeds the maximum size.'],
  429: ['rate_limit_error', 'This request would exceed your rate limit. Please try again later.'],
  500: ['api_error', 'Internal server error'],
  504: ['timeout_error', 'The request timed out.'],
  529: ['overloaded_error', 'Overloaded'],
};

type Details = { [Name in Exclude<keyof ApiError, 'status'>]?: ApiError[Name] | undefined };

/** What is not given follows from the status. */
export const apiError = (status: number, details: Details = {}): ApiError => {
  const [type, message] = known[status] ?? known[status < 500 ? 400 : 500] ?? ['api_error', ''];
  return { ...details, status, type: details.type ?? type, message: details.message ?? message };
};

export const errorBody = (error: ApiError, requestId: string): object => ({
  type: 'error',
  error: { type: error.type, message: error.message },
  request_id: requestId,
});

export const errorHeaders = (error: ApiError): Record<string, string> => ({
  ...(error.retryAfterS === undefined ? {} : { 'retry-after': String(error.retryAfterS) }),
  ...(error.shouldRetry === undefined ? {} : { 'x-should-retry': 'false' }),
});
