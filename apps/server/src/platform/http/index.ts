// What features and roles may use of the HTTP layer.

export { createHttpApp, under, type HttpAppDeps } from './app.js';
export { invalidFields, toAppError } from './errors.js';
export { createOrigins, type Origins } from './origins.js';
export { pagePolicy } from './security-headers.js';
export { answered, handle, type Access, type Actor, type BoundRoute, type Call } from './types.js';
export { acceptUpgrades, type SocketContext } from './upgrades.js';
