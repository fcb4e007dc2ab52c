// Checkpoints of work trees and rewinds, for the composition.

export { checkpointRoutes } from './routes.js';
export { createCheckpoints } from './service.js';
