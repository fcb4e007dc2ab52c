/** Why a turn ended early, in a sentence for people. It knows the SDK's words for errors and nothing of the turn. */

/** The part of a result that says what went wrong. */
export interface FailedResult {
  subtype?: string;
  result?: string;
  errors?: readonly string[];
  api_error_status?: number | null;
  terminal_reason?: string;
}

const byError: Readonly<Record<string, string>> = {
  authentication_failed:
    'The model service did not accept the key. An administrator can enter another one in the settings.',
  billing_error: 'The model service refused for a reason of billing. Ask an administrator to look at the account.',
  rate_limit: 'The model service has had too many requests. Wait a little and send your message again.',
  overloaded: 'The model service is overloaded. Wait a little and send your message again.',
  model_not_found: 'The model service does not know this model. Choose another model.',
  max_output_tokens: 'The answer became longer than the model may write. Ask Claude to go on, or to answer in parts.',
  server_error: 'The model service failed. Send your message again.',
};

const refused = 'The model service refused. An administrator can check the key and the rules for this site.';

const byStatus: Readonly<Record<number, string>> = {
  401: byError['authentication_failed'] ?? '',
  404: byError['model_not_found'] ?? '',
  413: 'The conversation is too large for the model. Compact it with /compact, or start a new session.',
  429: byError['rate_limit'] ?? '',
  529: byError['overloaded'] ?? '',
};

const byEnd: Readonly<Record<string, string>> = {
  prompt_too_long: byStatus[413] ?? '',
  max_turns: 'Claude took as many steps as one message may take. Send a message to let it go on.',
  budget_exhausted: 'The budget of this session is used up.',
};

/** `error` is the SDK's category, where it gave one; `said` the words that Claude Code put in place of an answer. */
export const failureSentence = (result: FailedResult, error: string | null, said: string | null): string => {
  const status = result.api_error_status ?? null;
  const detail = cleaned(said ?? result.result ?? result.errors?.find((line) => !line.startsWith('[')) ?? '');
  // The gateway refuses so as well, and says why.
  if (status === 403) return detail === '' ? refused : `The model was refused: ${detail}`;
  const known =
    byEnd[result.terminal_reason ?? ''] ??
    (status === null ? undefined : byStatus[status]) ??
    (error === null ? undefined : byError[error]);
  if (known !== undefined) return known;
  if (status !== null && status >= 500) return withDetail('The model service failed. Send your message again.', detail);
  return withDetail('Claude could not finish.', detail);
};

/** Told while Claude Code waits to ask the model again. */
export const retrySentence = (status: number | null, attempt: number, delayMs: number): string => {
  const what =
    status === 429
      ? 'The model service has too many requests'
      : status === 529
        ? 'The model service is overloaded'
        : status === null
          ? 'The line to the model broke'
          : `The model service answered with an error (${status})`;
  return `${what}. Trying again in ${Math.max(1, Math.round(delayMs / 1_000))} s (attempt ${attempt}).`;
};

/** Attempts after which a refusal that no repetition mends ends the turn; Claude Code itself would try for minutes. */
export const isHopeless = (status: number | null, attempt: number): boolean =>
  (status === 401 || status === 403) && attempt >= 3;

const maxDetail = 600;
const cleaned = (text: string): string =>
  text
    .replace(/^(?:Failed to authenticate\.\s*)?API Error:\s*(?:\d{3}\s+)?/, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, maxDetail);
const withDetail = (sentence: string, detail: string): string =>
  detail === '' ? sentence : `${sentence} It was told: ${detail}`;
