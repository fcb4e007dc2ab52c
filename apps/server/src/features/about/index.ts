// What this server is, for the composition.

export { aboutRoutes } from './routes.js';
export { createAbout } from './service.js';
