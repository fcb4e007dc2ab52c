// Sessions, for the composition, for live summaries and for whoever acts in the name of a person.

export { sessionsRoutes } from './routes.js';
export { createSessions, type Request, type Sessions } from './service.js';
export { createSessionsStore, type SessionsStore } from './store.js';
