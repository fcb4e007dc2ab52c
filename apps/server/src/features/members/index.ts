// Sharing of sessions, for the composition and for features that ask who is in one.

export { membersRoutes } from './routes.js';
export { createMembers } from './service.js';
export { createMembersStore } from './store.js';
