// The gateway of sessions: lets a call through to the model and settles what it cost.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerEvent, SessionId } from '@remote-claude/contract';

import { isUnavailable, isUniqueViolation, type Database, type Trx } from '../../platform/database/index.js';
import type { Log } from '../../platform/log.js';
import type { ModelMetrics } from '../../platform/metrics/index.js';
import type { SessionCall } from './doors.js';
import { costOf } from './prices.js';
import { readCallBody } from './call-body.js';
import type { Metered } from './meter.js';
import type { ModelRules } from './models.js';
import { refuseCall, type Forwarder } from './proxy.js';
import type { GatewayStore } from './store.js';
import type { Upstreams } from './upstream.js';

export interface GatewayDeps {
  database: Database;
  store: GatewayStore;
  upstreams: Upstreams;
  forwarder: Forwarder;
  models: ModelRules;
  /** Writes an event of the server's into the session's log, in the given transaction. */
  appendEvent(trx: Trx, sessionId: SessionId, event: ServerEvent, source: string): Promise<void>;
  log: Log;
  /** Nobody counts where it is left out. */
  metrics?: ModelMetrics;
}

const isEmpty = ({ usage }: Metered): boolean =>
  usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens === 0;

export const createSessionCall = (deps: GatewayDeps): SessionCall => {
  const settle = async (
    sessionId: string,
    acceptedIn: string | null,
    metered: Metered & { requestId: string; free: boolean },
  ): Promise<void> => {
    const { requestId, free } = metered;
    const model = metered.model ?? 'unknown';
    const cost = free ? 0 : costOf(model, metered.usage);
    // Claude may ask before the log has the turn's beginning. A turn that the call began in keeps it: by now another may run.
    const now = await deps.store.charge(sessionId);
    if (now === null) throw new Error('the session that called does not exist any more');
    const turnId = acceptedIn ?? now.turnId;
    await deps.database.transaction(async (trx) => {
      await deps.store.insertUsage(trx, {
        sessionId,
        userId: now.userId,
        turnId,
        model,
        ...metered.usage,
        costUsd: cost ?? 0,
        requestId,
      });
      await deps.appendEvent(
        trx,
        sessionId as SessionId,
        {
          type: 'usage.recorded',
          turnId: turnId as never,
          model: model.slice(0, 200),
          usage: metered.usage,
          costUsd: cost ?? 0,
          priceKnown: cost !== null,
        },
        `gateway:${requestId}`,
      );
    });
  };

  return async (request, response, sessionId) => {
    const upstream = await deps.upstreams.current();
    if (upstream === null) {
      deps.metrics?.refused();
      return refuseCall(
        response,
        403,
        'permission_error',
        'No model key is set. An administrator can enter one, or choose the demo model, in the settings.',
      );
    }
    const body = await judged(deps.models, request, response);
    if (body === null) return deps.metrics?.refused();
    const ended = deps.metrics?.begin();
    const forwarded = deps.forwarder.forward(request, response, upstream, body);
    // Read while the call is on its way: the model need not wait for it. Its door says that there is such a session.
    const accepted = deps.store.charge(sessionId).catch(() => null);
    forwarded.then(ended, () => ended?.({ status: 'unreachable', firstByteMs: null }));
    const { metered } = await forwarded;
    if (metered === null || isEmpty(metered)) return;
    const turnId = (await accepted)?.turnId ?? null;
    const settled = { ...metered, requestId: randomUUID(), free: upstream.free === true };
    await keepTrying(() => settle(sessionId, turnId, settled)).catch((error: unknown) =>
      deps.log.error({ err: error, sessionId, usage: metered.usage }, 'usage could not be recorded'),
    );
  };
};

/** The body to send on; undefined where it can stream through unread, null where the call was refused. */
const judged = async (
  models: ModelRules,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Buffer | null | undefined> => {
  if (models.allowed.length === 0) return undefined;
  const body = await readCallBody(request);
  if (body === null) return null;
  if (body === 'too_large') refuseCall(response, 413, 'request_too_large', 'This call is larger than any model takes.');
  else if (body === 'not_json') refuseCall(response, 400, 'invalid_request_error', 'The body is not a JSON object.');
  else if (body.model === null) refuseCall(response, 400, 'invalid_request_error', 'model: this must be a name.');
  else if (!models.allows(body.model)) refuseCall(response, 400, 'invalid_request_error', models.refusal(body.model));
  else return body.bytes;
  return null;
};

const settleTries = 8;

/** A database that restarts must not make a call free. The request's id lets a repeat be seen. */
const keepTrying = async (settle: () => Promise<void>): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await settle();
    } catch (error) {
      if (isUniqueViolation(error)) return;
      if (attempt >= settleTries || !isUnavailable(error)) throw error;
      await delay(250 * 2 ** attempt);
    }
  }
};
