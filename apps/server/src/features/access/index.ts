// The rules, for the composition and for features that show them.

export { mayProject, sitePermissionsOf } from './policy.js';
export { createAccess, createRights, type Rights } from './service.js';
export { createAccessStore } from './store.js';
