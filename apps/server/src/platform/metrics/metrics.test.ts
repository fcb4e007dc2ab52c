// The registry and what is counted into it: names and labels as Prometheus wants them, and nothing that grows without end.

import type { SessionEvent } from '@remote-claude/contract';
import { describe, expect, it } from 'vitest';

import { createCappedLabel } from './capped.js';
import {
  createEventMetrics,
  createHttpMetrics,
  createMetricsRegistry,
  createModelMetrics,
  createPlaceMetrics,
  createQueryMetrics,
  watchStorage,
  type MetricsRegistry,
} from './index.js';

const newRegistry = (withProcess = false): MetricsRegistry =>
  createMetricsRegistry({ version: '1.2.3', roles: ['api', 'web'], withProcess });
const lines = async (registry: MetricsRegistry): Promise<string[]> => (await registry.tell()).text.split('\n');
const valuesOf = async (registry: MetricsRegistry, name: string): Promise<string[]> =>
  (await lines(registry)).filter((line) => line.startsWith(`remote_claude_${name}`)).map((line) => line.slice(14));

describe('the registry', () => {
  it('says what runs, and has nothing in common with another one', async () => {
    const registry = newRegistry();
    newRegistry().counter({ name: 'others_total', help: 'Of another registry.' }).inc();
    expect(await valuesOf(registry, '')).toEqual([
      `build_info{version="1.2.3",node="${process.version}"} 1`,
      'role_info{role="api"} 1',
      'role_info{role="web"} 1',
    ]);
    expect((await registry.tell()).contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('tells of Node where that is wanted, no gauge with the name of a counter', async () => {
    const types = (await lines(newRegistry(true))).filter((line) => line.startsWith('# TYPE'));
    expect(types).toContain('# TYPE process_resident_memory_bytes gauge');
    expect(types.filter((line) => / \S+_total (?!counter)/.test(line))).toEqual([]);
  });

  it('asks a gauge at each look: what is gone is not told, and what cannot be known has no value', async () => {
    const registry = newRegistry();
    let now: Record<string, number> = { one: 1, two: 2 };
    registry.gauge({
      name: 'things',
      help: 'Things.',
      labels: ['kind'],
      read: (set) => Object.entries(now).forEach(([kind, count]) => set(count, { kind })),
    });
    let fails = true;
    registry.gauge({
      name: 'other',
      help: 'Others.',
      read(set) {
        if (fails) throw new Error('away');
        set(3);
      },
    });
    expect(await valuesOf(registry, 'things')).toEqual(['things{kind="one"} 1', 'things{kind="two"} 2']);
    expect(await valuesOf(registry, 'other')).toEqual([]);
    now = { two: 5 };
    fails = false;
    expect(await valuesOf(registry, 'things')).toEqual(['things{kind="two"} 5']);
    expect(await valuesOf(registry, 'other')).toEqual(['other 3']);
  });
});

describe('what is counted', () => {
  it('of the log: events by writer, turns by outcome, tokens and cost by model, as many models as there may be', async () => {
    const registry = newRegistry();
    const stored = createEventMetrics(registry);
    const usage = { inputTokens: 10, outputTokens: 2, cacheReadTokens: 300, cacheWriteTokens: 40 };
    const used = (model: string, costUsd: number, priceKnown = true): SessionEvent => ({
      type: 'usage.recorded',
      turnId: null,
      model,
      usage,
      costUsd,
      priceKnown,
    });
    const ended = (outcome: string, durationMs: number): SessionEvent =>
      ({ type: 'turn.ended', outcome, durationMs, turnId: 't', reason: null, message: null, usage }) as SessionEvent;
    stored({
      by: 'agent',
      events: [ended('completed', 3_000), ended('completed', Number.MAX_VALUE), ended('failed', 1)],
    });
    stored({ by: 'server', events: [used('sonnet', 0.25), used('sonnet', 0.5), used('strange"\n', 0, false)] });
    for (let index = 0; index < 100; index += 1) stored({ by: 'server', events: [used(`model-${index}`, 0)] });
    expect(await valuesOf(registry, 'events_appended_total')).toEqual([
      'events_appended_total{by="agent"} 3',
      'events_appended_total{by="server"} 103',
    ]);
    expect(await valuesOf(registry, 'turns_total')).toEqual([
      'turns_total{outcome="completed"} 2',
      'turns_total{outcome="failed"} 1',
    ]);
    expect(await valuesOf(registry, 'turn_duration_seconds_sum')).toEqual([
      'turn_duration_seconds_sum{outcome="completed"} 604803',
      'turn_duration_seconds_sum{outcome="failed"} 0.001',
    ]);
    const tokens = await valuesOf(registry, 'tokens_total');
    expect(tokens).toContain('tokens_total{kind="cache_read",model="sonnet"} 600');
    expect(tokens).toContain('tokens_total{kind="output",model="other"} 164');
    expect(tokens).toHaveLength(4 * 21);
    expect(await valuesOf(registry, 'cost_dollars_total{model="sonnet"}')).toEqual([
      'cost_dollars_total{model="sonnet"} 0.75',
    ]);
    expect(await valuesOf(registry, 'unpriced_model_calls_total')).toEqual(['unpriced_model_calls_total 1']);
  });

  it('of requests: by the pattern of the route, whatever was asked for', async () => {
    const registry = newRegistry();
    const http = createHttpMetrics(registry);
    http.answered({ route: '/api/sessions/:id', method: 'GET', status: 200, durationMs: 20 });
    for (let index = 0; index < 100; index += 1)
      http.answered({ route: undefined, method: `M${index}`, status: 404, durationMs: 1 });
    http.refused('not_found', 'http');
    expect(await valuesOf(registry, 'http_requests_total')).toEqual([
      'http_requests_total{route="/api/sessions/:id",method="GET",status="200"} 1',
      'http_requests_total{route="none",method="other",status="404"} 100',
    ]);
    expect(await valuesOf(registry, 'http_request_duration_seconds_sum')).toContain(
      'http_request_duration_seconds_sum{route="/api/sessions/:id",method="GET"} 0.02',
    );
    expect(await valuesOf(registry, 'errors_total')).toEqual(['errors_total{code="not_found",at="http"} 1']);
  });

  it('of calls to the model: how many are under way, and how each ended', async () => {
    const registry = newRegistry();
    const calls = createModelMetrics(registry);
    const [first, second, third, fourth] = [calls.begin(), calls.begin(), calls.begin(), calls.begin()] as const;
    first({ status: 200, firstByteMs: 30 });
    second({ status: 418, firstByteMs: null });
    third({ status: 'unreachable', firstByteMs: null });
    calls.refused();
    expect(await valuesOf(registry, 'model_calls_total')).toEqual([
      'model_calls_total{status="200"} 1',
      'model_calls_total{status="4xx"} 1',
      'model_calls_total{status="unreachable"} 1',
      'model_calls_total{status="refused"} 1',
    ]);
    expect(await valuesOf(registry, 'model_calls_open')).toEqual(['model_calls_open 1']);
    expect(await valuesOf(registry, 'model_call_first_byte_seconds_count')).toEqual([
      'model_call_first_byte_seconds_count 1',
    ]);
    fourth({ status: 'aborted', firstByteMs: null });
    expect(await valuesOf(registry, 'model_calls_open')).toEqual(['model_calls_open 0']);
  });

  it('of places, and of what stores', async () => {
    const registry = newRegistry();
    const places = createPlaceMetrics(registry);
    places.reached({ sinceBegunMs: 1_500, wish: { after: 'create', ms: 2_000 } });
    // A clock that was set back since makes no start that took less than nothing.
    places.reached({ sinceBegunMs: -1, wish: null });
    expect(await valuesOf(registry, 'place_start_duration_seconds_sum')).toEqual([
      'place_start_duration_seconds_sum 1.5',
    ]);
    expect(await valuesOf(registry, 'session_start_duration_seconds_sum')).toEqual([
      'session_start_duration_seconds_sum{after="create"} 2',
    ]);
    const queries = createQueryMetrics(registry);
    queries.answered(2, false);
    queries.answered(3, true);
    watchStorage(registry, {
      connections: () => ({ open: 4, idle: 1, waiting: 2, max: 10 }),
      isBusConnected: () => false,
      isRedisConnected: null,
    });
    expect(await valuesOf(registry, 'database_query_duration_seconds_sum')).toEqual([
      'database_query_duration_seconds_sum 0.005',
    ]);
    expect(await valuesOf(registry, 'database_query_failures_total')).toEqual(['database_query_failures_total 1']);
    expect(await valuesOf(registry, 'database_connections{')).toEqual([
      'database_connections{state="idle"} 1',
      'database_connections{state="busy"} 3',
    ]);
    expect(await valuesOf(registry, 'database_statements_waiting')).toEqual(['database_statements_waiting 2']);
    expect(await valuesOf(registry, 'bus_connected')).toEqual(['bus_connected 0']);
    expect(await valuesOf(registry, 'redis_connected')).toEqual([]);
  });
});

it('a label from outside has so many values and no more', () => {
  const label = createCappedLabel(2);
  expect(['a', 'b', 'c', 'a', 'x y', ''].map(label)).toEqual(['a', 'b', 'other', 'a', 'other', 'other']);
});
