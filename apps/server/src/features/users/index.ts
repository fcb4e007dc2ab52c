// People, for the composition and for features that name them.

export { userRoutes } from './routes.js';
export { createUsers } from './service.js';
export { createSetupToken } from './setup-token.js';
export { createUsersStore } from './store.js';
