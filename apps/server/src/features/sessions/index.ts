// Sessions, for the composition.

export { sessionsRoutes } from './routes.js';
export { createSessions } from './service.js';
export { createSessionsStore } from './store.js';
