// Sharing of sessions, for the composition, and of what else people share.

export { createCircle, maxPeople, type Request } from './circle.js';
export { membersRoutes } from './routes.js';
export { createMembers, membersChannel } from './service.js';
export { createMembersStore } from './store.js';
