// Live viewers of sessions, for the composition.

export type { LiveActions } from './actions.js';
export { createHub, type SocketCeilings } from './hub.js';
export { createSummaries } from './summaries.js';
