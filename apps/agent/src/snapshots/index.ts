/**
 * Checkpoints of the work tree in a store of their own. createSnapshots({ tree, stateDir, propose, log }): Snapshots,
 * createCheckpointsHttp({ snapshots, preview }, log): HttpPart.
 */
export { createCheckpointsHttp } from './http.js';
export { createSnapshots, type RestoreResult, type Snapshots } from './snapshots.js';
