/**
 * Terminals of a session: shells on ptys, watched by any number of viewers.
 * createTerminals({ workspace, env, shell, stateDir, propose, log }): Promise<Terminals>; Terminals is an ActivitySource with close().
 */
export { createTerminals } from './terminals.js';
export type { Terminals, Viewer, ViewerSink } from './types.js';
