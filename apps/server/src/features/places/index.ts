// Places of sessions, for the session-manager.

export { createPlaceSecrets } from './environment.js';
export { createLeases, type LeasesDeps } from './leases.js';
export { createLeasesStore } from './leases-store.js';
export { createPlaces, type Places, type PlacesDeps } from './reconciler.js';
export { createPlacesStore } from './store.js';
export type { GatewayDoors } from './step-parts.js';
