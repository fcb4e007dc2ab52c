// Places of sessions, for the session-manager.

export type { AgentRuntime, AgentSettings, PlaceSecrets } from './environment.js';
export { createPlaceSecrets } from './environment.js';
export { createPlaces, type Places, type PlacesDeps } from './reconciler.js';
export type { GatewayDoors } from './steps.js';
export { createPlacesStore } from './store.js';
