// Sessions, for the composition.

export { createImageRules, type ImageRules } from './images.js';
export { createResourceRules, type ResourceRules } from './resources.js';
export { sessionsRoutes } from './routes.js';
export { createSessions } from './service.js';
export { createSessionsStore } from './store.js';
