// Talking to Claude, for sockets, tasks and the composition.

export { createApprovalProjection } from './projection.js';
export { createApprovalRules, rulesChannel, type ApprovalRules } from './rules.js';
export { createRulesStore } from './rules-store.js';
export { claudeRoutes } from './routes.js';
export { createClaude, type Claude, type ClaudeAct } from './service.js';
export { createClaudeStore } from './store.js';
