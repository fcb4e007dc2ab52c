// The event log, for every feature that writes or reads it.

export { commandsChannel, createCommands, type Commands, type PendingCommand } from './commands-store.js';
export { sessionChannel, type Follower } from './follow.js';
export type { Change, Projection } from './projection.js';
export { coarseStatusOf, createEvents, wantedChannel, type Appended, type Events } from './service.js';
export { createEventsStore, type LogHead } from './store.js';
