// What is counted of the sessions' log: each event once, in the process that stored it, so that the sum over all processes is
// right. It knows events and no session.

import type { EventOf, SessionEvent } from '@remote-claude/contract';

import { createCappedLabel } from './capped.js';
import type { MetricsRegistry } from './registry.js';

export interface StoredEvents {
  by: string;
  events: readonly SessionEvent[];
}

/** Names of models come from the model's own answers. */
const maxModels = 20;
/** How long a turn took is what its agent says. */
const longestTurnMs = 7 * 86_400_000;

export const createEventMetrics = (registry: MetricsRegistry): ((stored: StoredEvents) => void) => {
  const appended = registry.counter({
    name: 'events_appended_total',
    help: 'Events that this process stored in the logs of sessions, by who proposed them.',
    labels: ['by'],
  });
  const turns = registry.counter({
    name: 'turns_total',
    help: 'Turns of Claude that ended, by how.',
    labels: ['outcome'],
  });
  const durations = registry.histogram({
    name: 'turn_duration_seconds',
    help: 'How long turns took, waiting for people included.',
    labels: ['outcome'],
    buckets: [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600],
  });
  const tokens = registry.counter({
    name: 'tokens_total',
    help: 'Tokens that the model counted, by their kind.',
    labels: ['kind', 'model'],
  });
  const cost = registry.counter({
    name: 'cost_dollars_total',
    help: 'What the tokens cost, in US dollars, by the list of prices; a model without a price counts as 0.',
    labels: ['model'],
  });
  const unpriced = registry.counter({
    name: 'unpriced_model_calls_total',
    help: 'Calls to models that have no price here, which cost_dollars_total lacks.',
  });
  const modelLabel = createCappedLabel(maxModels);

  const use = ({ usage, costUsd, model: name, priceKnown }: EventOf<'usage.recorded'>): void => {
    const model = modelLabel(name);
    tokens.inc({ kind: 'input', model }, usage.inputTokens);
    tokens.inc({ kind: 'output', model }, usage.outputTokens);
    tokens.inc({ kind: 'cache_read', model }, usage.cacheReadTokens);
    tokens.inc({ kind: 'cache_write', model }, usage.cacheWriteTokens);
    cost.inc({ model }, costUsd);
    if (!priceKnown) unpriced.inc();
  };

  return ({ by, events }) => {
    appended.inc({ by }, events.length);
    for (const event of events) {
      if (event.type === 'usage.recorded') use(event);
      if (event.type !== 'turn.ended') continue;
      turns.inc({ outcome: event.outcome });
      durations.observe({ outcome: event.outcome }, Math.min(event.durationMs, longestTurnMs) / 1000);
    }
  };
};
