// Places of sessions, for the session-manager.

export { createElsewhere } from './elsewhere.js';
export { createAdopt } from './adopt.js';
export { createElsewhereStore, type KnownEngine } from './elsewhere-store.js';
export { createPlaceSecrets } from './environment.js';
export { createLeases, type LeasesDeps } from './leases.js';
export { createLeasesStore } from './leases-store.js';
export { createPlaces, type Places, type PlacesDeps } from './reconciler.js';
export { createPlacesStore } from './store.js';
export type { GatewayDoors } from './step-parts.js';
