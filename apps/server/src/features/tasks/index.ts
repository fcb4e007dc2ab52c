// Tasks, for the composition.

export { createTaskProjection } from './projection.js';
export { taskRoutes } from './routes.js';
export { createTasks, type Tasks } from './service.js';
export { createTasksStore } from './store.js';
