// The site's settings, for the composition.

export { settingsRoutes } from './routes.js';
