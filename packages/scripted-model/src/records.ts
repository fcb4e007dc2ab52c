/**
 * What was asked of the model, for tests to look at. Keeps the newest requests only; every unexpected call is kept.
 * It does not know rules or sockets.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Conversation } from './conversation.js';
import type { Outcome } from './play.js';
import type { SideCall } from './side-calls.js';

export interface RecordedRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** Milliseconds since 1970 at which the request arrived. */
  readonly receivedAt: number;
  /** Parsed JSON, or the text when it is none; undefined until it was read. */
  body?: unknown;
  /** Equal for the tries of one call. Only for calls of `/v1/messages`, as are the next five. */
  key?: string;
  conversation?: Conversation;
  sideCall?: SideCall | undefined;
  attempt?: number;
  /** Name of the rule that answers. */
  rule?: string | undefined;
  /** `pending` while the answer is under way; `aborted` when the client left before its end. */
  outcome: Outcome | 'pending' | 'unexpected';
}

export interface Records {
  add(request: Pick<RecordedRequest, 'method' | 'path' | 'headers' | 'requestId'>): RecordedRequest;
  all(): readonly RecordedRequest[];
  addUnexpected(what: string): void;
  unexpected(): readonly string[];
}

export const createRecords = (keep: number): Records => {
  const requests: RecordedRequest[] = [];
  const unexpected: string[] = [];
  return {
    add: (request) => {
      const record: RecordedRequest = { ...request, receivedAt: Date.now(), outcome: 'pending' };
      requests.push(record);
      if (requests.length > keep) requests.shift();
      return record;
    },
    all: () => [...requests],
    addUnexpected: (what) => void unexpected.push(what),
    unexpected: () => [...unexpected],
  };
};
