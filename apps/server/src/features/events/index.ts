// The event log, for every feature that writes or reads it.

export { commandsChannel, createCommands, type Commands } from './commands-store.js';
export { sessionChannel, type Follower } from './follow.js';
export type { Change, Projection } from './projection.js';
export { createEvents, StaleFenceError, wantedChannel, type Events, type Rejected } from './service.js';
export { createEventsStore, type Fence } from './store.js';
