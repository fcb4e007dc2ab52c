// Sessions, for the composition.

export { createResourceRules, type ResourceRules } from './resources.js';
export { sessionsRoutes } from './routes.js';
export { createSessions } from './service.js';
export { createSessionsStore } from './store.js';
