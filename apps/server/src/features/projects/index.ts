// Projects, for the composition and for what makes sessions in them.

export { createEntering, type Entering } from './entering.js';
export { projectRoutes } from './routes.js';
export { createProjects } from './service.js';
export { createProjectsStore } from './store.js';
