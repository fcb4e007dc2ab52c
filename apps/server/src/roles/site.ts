// What api, session-manager and gateway have in common, in one process or apart: the database, and the sessions' log in it.

import { createAudit } from '../features/audit/index.js';
import {
  createApprovalProjection,
  createApprovalRules,
  createClaudeStore,
  createRulesStore,
} from '../features/claude/index.js';
import { createCommands, createEvents, createEventsStore } from '../features/events/index.js';
import { createModelRules } from '../features/gateway/index.js';
import { createPlaceSecrets } from '../features/places/index.js';
import { createImageRules, createResourceRules } from '../features/sessions/index.js';
import { createTaskProjection, createTasksStore } from '../features/tasks/index.js';
import { createEventMetrics } from '../platform/metrics/index.js';
import type { Base } from './base.js';
import { openStorage } from './storage.js';

export const openSite = async (base: Base) => {
  const { closers, config, log, metrics } = base;
  const storage = await openStorage(base);
  const { bus, clock, database, secretBox } = storage;
  const audit = createAudit();
  const claudeStore = createClaudeStore(database);
  const tasksStore = createTasksStore(database);
  const events = createEvents({
    database,
    store: createEventsStore(database),
    bus,
    clock,
    log,
    projections: [createApprovalProjection(claudeStore), createTaskProjection(tasksStore)],
    onStored: createEventMetrics(metrics),
  });
  closers.add('event log', events, (opened) => opened.close());
  return {
    ...base,
    ...storage,
    audit,
    claudeStore,
    tasksStore,
    events,
    commands: createCommands(database, bus),
    rules: createApprovalRules({ database, store: createRulesStore(database), audit, bus }),
    models: createModelRules(config.claude.models),
    resources: createResourceRules(config.compute),
    images: createImageRules(config.compute),
    secrets: createPlaceSecrets(secretBox.derive),
  };
};
export type Site = Awaited<ReturnType<typeof openSite>>;
