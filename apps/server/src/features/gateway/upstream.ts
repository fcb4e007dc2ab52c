// Which model answers, and with which key. It alone seals and opens the key; no answer ever carries it.

import { AppError, type ModelSettings } from '@remote-claude/contract';

import type { Bus } from '../../platform/bus.js';
import type { Database } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import type { SecretBox } from '../../platform/secret-box.js';
import type { Audit } from '../audit/index.js';
import type { DemoModel } from './demo.js';
import type { ModelRules } from './models.js';
import type { Upstream } from './proxy.js';
import type { GatewayStore, StoredUpstream } from './store.js';

export interface UpstreamDeps {
  database: Database;
  store: GatewayStore;
  secretBox: SecretBox;
  bus: Bus;
  audit: Audit;
  demo: DemoModel;
  /** What the configuration says; a key here cannot be changed in the page. */
  configured: { apiKey: string | null; baseUrl: string; model: string };
  models: ModelRules;
}

export type UpstreamChange =
  | { use: 'key'; apiKey: string; baseUrl?: string | undefined; model?: string | undefined }
  | { use: 'demo' }
  | { use: 'none' };

const changedChannel = 'upstream_changed';
const secretPlace = 'secrets:model.api-key';

export const createUpstreams = (deps: UpstreamDeps) => {
  const { configured, store } = deps;
  // Read once and again after each change, so that a key counts at once without a query for each call.
  let cached: Promise<{ settings: StoredUpstream; apiKey: string | null }> | null = null;
  const unsubscribe = deps.bus.subscribe(changedChannel, () => {
    cached = null;
  });

  const load = async () => {
    const { settings, key } = await store.upstream();
    return {
      settings: settings ?? { use: 'none' as const, baseUrl: null, model: null, keyHint: null },
      apiKey: key === null ? null : deps.secretBox.open(key, secretPlace).toString('utf8'),
    };
  };
  const stored = (): NonNullable<typeof cached> => {
    cached ??= load().catch((error: unknown) => {
      cached = null;
      throw error;
    });
    return cached;
  };

  const current = async (): Promise<Upstream | null> => {
    if (configured.apiKey !== null) return { baseUrl: configured.baseUrl, apiKey: configured.apiKey };
    const { settings, apiKey } = await stored();
    if (settings.use === 'demo') return { baseUrl: await deps.demo.url(), apiKey: 'demo', free: true };
    if (settings.use === 'key' && apiKey !== null) return { baseUrl: settings.baseUrl ?? configured.baseUrl, apiKey };
    return null;
  };

  const describe = async (): Promise<ModelSettings> => {
    if (configured.apiKey !== null) {
      return {
        source: 'configuration',
        keyHint: configured.apiKey.slice(-4),
        baseUrl: configured.baseUrl,
        model: configured.model,
        fixed: true,
      };
    }
    const { settings } = await stored();
    return {
      source: settings.use === 'key' ? 'page' : settings.use,
      keyHint: settings.keyHint,
      baseUrl: settings.use === 'key' ? (settings.baseUrl ?? configured.baseUrl) : configured.baseUrl,
      model: settings.model ?? configured.model,
      fixed: false,
    };
  };

  return {
    current,
    describe,
    source: async (): Promise<ModelSettings['source']> => (await describe()).source,
    /** The model that sessions start with; null lets Claude Code choose. */
    async defaultModel(): Promise<string | null> {
      const { model } = await describe();
      // What was chosen in the page before the list of the site left it out.
      return model !== null && deps.models.allows(model) ? model : configured.model;
    },

    async change(actor: Pick<Actor, 'userId'>, change: UpstreamChange, ip: string): Promise<ModelSettings> {
      if (configured.apiKey !== null) {
        throw new AppError('conflict', {
          message: 'The key is set in the configuration. Change or remove claude.apiKey there.',
        });
      }
      if (change.use === 'key' && change.model !== undefined) deps.models.require(change.model);
      const settings: StoredUpstream = {
        use: change.use,
        baseUrl: change.use === 'key' ? (change.baseUrl ?? null) : null,
        model: change.use === 'key' ? (change.model ?? null) : null,
        keyHint: change.use === 'key' ? change.apiKey.slice(-4) : null,
      };
      const sealed = change.use === 'key' ? deps.secretBox.seal(change.apiKey, secretPlace) : null;
      await deps.database.transaction(async (trx) => {
        await store.putUpstream(trx, settings, sealed);
        await deps.audit.record(trx, {
          userId: actor.userId,
          sessionId: null,
          action: 'settings.model.put',
          details: { use: change.use, baseUrl: settings.baseUrl, keyHint: settings.keyHint },
          ip,
        });
        await deps.bus.publishIn(trx, changedChannel, {});
      });
      cached = null;
      return describe();
    },

    /** The smallest call with what is in force. */
    async test(
      actor: Pick<Actor, 'userId'>,
      ip: string,
    ): Promise<{ ok: boolean; status: number | null; message: string }> {
      const upstream = await current();
      if (upstream === null) throw new AppError('model_not_configured');
      await deps.audit.record(deps.database.db, {
        userId: actor.userId,
        sessionId: null,
        action: 'settings.model.test',
        ip,
      });
      return testUpstream(upstream, (await describe()).model ?? 'claude-haiku-4-5');
    },

    close: unsubscribe,
  };
};
export type Upstreams = ReturnType<typeof createUpstreams>;
/** What may be known and chosen of it: never the key. */
export type ModelChooser = Pick<Upstreams, 'describe' | 'source' | 'defaultModel' | 'change' | 'test'>;

const testUpstream = async (
  upstream: Upstream,
  model: string,
): Promise<{ ok: boolean; status: number | null; message: string }> => {
  try {
    const answer = await fetch(`${upstream.baseUrl.replace(/\/$/, '')}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': upstream.apiKey },
      body: JSON.stringify({ model, max_tokens: 1, messages: [{ role: 'user', content: 'ping' }] }),
      signal: AbortSignal.timeout(20_000),
      redirect: 'manual',
    });
    const text = await answer.text();
    if (answer.ok) return { ok: true, status: answer.status, message: 'The model answers.' };
    const said = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? answer.statusText;
    return { ok: false, status: answer.status, message: `The model's service refused: ${said.slice(0, 300)}` };
  } catch (thrown) {
    const why =
      thrown instanceof Error
        ? thrown.cause instanceof Error
          ? thrown.cause.message
          : thrown.message
        : String(thrown);
    return { ok: false, status: null, message: `The model's service cannot be reached: ${why}` };
  }
};
