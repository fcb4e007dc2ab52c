// Files of sessions, for the composition.

export { fileRoutes } from './routes.js';
export { createFiles } from './service.js';
