// Live viewers of sessions, for the composition.

export type { LiveActions } from './actions.js';
export { createHub, type Hub } from './hub.js';
export { createSummaries, type Summaries } from './summaries.js';
