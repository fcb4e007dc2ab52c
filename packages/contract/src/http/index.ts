/** The route table: every route there is, under `/api`. What is not here does not exist. */
import { authRoutes } from './auth.js';
import { checkpointRoutes } from './checkpoints.js';
import { claudeRoutes } from './claude.js';
import { fileRoutes } from './files.js';
import { memberRoutes } from './members.js';
import { projectRoutes } from './projects.js';
import type { Route } from './route.js';
import { sessionRoutes } from './sessions.js';
import { setupRoutes } from './setup.js';
import { settingsRoutes } from './settings.js';
import { socketRoutes } from './sockets.js';
import { taskRoutes } from './tasks.js';
import { userRoutes } from './users.js';

export { about, type About } from './auth.js';
export { preparation, type Preparation } from './setup.js';
export { modelSettings, type ModelSettings } from './settings.js';
export { rootRoutes, type Readyz, type Seen } from './root.js';
export * from './route.js';
export * from './shared.js';

export const routes = {
  auth: authRoutes,
  users: userRoutes,
  sessions: sessionRoutes,
  setup: setupRoutes,
  members: memberRoutes,
  projects: projectRoutes,
  claude: claudeRoutes,
  checkpoints: checkpointRoutes,
  tasks: taskRoutes,
  files: fileRoutes,
  settings: settingsRoutes,
  sockets: socketRoutes,
} as const;

/** The same, flat, in the order of the documentation. */
export const allRoutes: readonly Route[] = Object.values(routes).flatMap((group) => Object.values(group) as Route[]);
