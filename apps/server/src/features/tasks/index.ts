// Tasks, for the composition.

export { createTaskProjection } from './projection.js';
export { taskRoutes } from './routes.js';
export { createTasks } from './service.js';
export { createTasksStore } from './store.js';
