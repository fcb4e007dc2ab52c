// What features and roles may use of the HTTP layer.

export { addressKey } from './address-key.js';
export { closeInTime } from './closing.js';
export { createHttpApp, under, type HttpAppDeps } from './app.js';
export { createAddressOf, createTrust, type AddressOf, type Trust } from './client-address.js';
export { errorAnswer, invalidFields, rawAnswer, toAppError } from './errors.js';
export { createIdempotency } from './idempotency.js';
export { createIdempotencyStore } from './idempotency-store.js';
export { listen, wordsFor } from './listen.js';
export { createOrigins, type Origins } from './origins.js';
export { plainIdOf, requestIdOf } from './request-id.js';
export { createStanding, type MembersChange, type Standing } from './standing.js';
export { contentPolicy } from './security-headers.js';
export { answered, handle, type Access, type Actor, type BoundRoute, type Call } from './types.js';
export { acceptUpgrades, type SocketContext } from './upgrades.js';
