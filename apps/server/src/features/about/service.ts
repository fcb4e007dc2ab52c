// What this server is: its name, whether it is set up, and what is wrong with it.

import type { About } from '@remote-claude/contract';

export interface AboutDeps {
  name: string;
  version: string;
  isolation: About['isolation'];
  models: readonly string[];
  setupNeeded(): Promise<boolean>;
  isDemo(): Promise<boolean>;
  /** What keeps sessions from starting, and what to mind. */
  readiness(): Promise<{ problems: About['problems']; warnings: string[] }>;
}

export const createAbout = (deps: AboutDeps) => async (): Promise<About> => {
  const [setupNeeded, demo, { problems, warnings }] = await Promise.all([
    deps.setupNeeded(),
    deps.isDemo(),
    deps.readiness(),
  ]);
  return {
    name: deps.name,
    version: deps.version,
    setupNeeded,
    isolation: deps.isolation,
    demo,
    models: [...deps.models],
    problems,
    warnings,
  };
};
