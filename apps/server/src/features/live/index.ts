// Live viewers of sessions, for the composition.

export { createHub } from './hub.js';
export { createSummaries } from './summaries.js';
