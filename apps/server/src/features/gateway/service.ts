// The gateway of sessions: lets a call through to the model and settles what it cost.

import { randomUUID } from 'node:crypto';
import type { ServerEvent, SessionId } from '@remote-claude/contract';

import type { Database, Trx } from '../../platform/database/index.js';
import type { Log } from '../../platform/log.js';
import type { SessionCall } from './doors.js';
import { costOf } from './prices.js';
import type { Metered } from './meter.js';
import { refuseCall, type Forwarder } from './proxy.js';
import type { GatewayStore } from './store.js';
import type { Upstreams } from './upstream.js';

export interface GatewayDeps {
  database: Database;
  store: GatewayStore;
  upstreams: Upstreams;
  forwarder: Forwarder;
  /** Writes an event of the server's into the session's log, in the given transaction. */
  appendEvent(trx: Trx, sessionId: SessionId, event: ServerEvent, source: string): Promise<void>;
  log: Log;
}

const isEmpty = ({ usage }: Metered): boolean =>
  usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens === 0;

export const createSessionCall = (deps: GatewayDeps): SessionCall => {
  const settle = async (
    sessionId: string,
    charged: { userId: string; turnId: string | null },
    metered: Metered,
    free: boolean,
  ): Promise<void> => {
    const model = metered.model ?? 'unknown';
    const cost = free ? 0 : costOf(model, metered.usage);
    const requestId = randomUUID();
    // Claude may ask before the log has the turn's beginning, and a turn that was cut may have ended since.
    const turnId = (await deps.store.charge(sessionId))?.turnId ?? charged.turnId;
    await deps.database.transaction(async (trx) => {
      await deps.store.insertUsage(trx, {
        sessionId,
        ...charged,
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
      return refuseCall(
        response,
        403,
        'permission_error',
        'No model key is set. An administrator can enter one, or choose the demo model, in the settings.',
      );
    }
    const charged = await deps.store.charge(sessionId);
    if (charged === null) return refuseCall(response, 403, 'permission_error', 'This session does not exist any more.');
    const { metered } = await deps.forwarder.forward(request, response, upstream);
    if (metered !== null && !isEmpty(metered) && !request.url?.includes('count_tokens')) {
      await settle(
        sessionId,
        { userId: charged.userId, turnId: charged.turnId },
        metered,
        upstream.free === true,
      ).catch((error: unknown) =>
        deps.log.error({ err: error, sessionId, usage: metered.usage }, 'usage could not be recorded'),
      );
    }
  };
};
