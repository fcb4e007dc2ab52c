// Places of sessions, for the session-manager.

export { createPlaceSecrets } from './environment.js';
export { createPlaces, type Places, type PlacesDeps } from './reconciler.js';
export { createPlacesStore } from './store.js';
