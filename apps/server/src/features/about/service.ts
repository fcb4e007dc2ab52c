// What this server is: its name, whether it is set up, and what is wrong with it.

import type { About, ModelSettings } from '@remote-claude/contract';

export interface AboutDeps {
  name: string;
  version: string;
  isolation: About['isolation'];
  models: readonly string[];
  resources: About['resources'];
  images: About['images'];
  setupNeeded(): Promise<boolean>;
  modelSource(): Promise<ModelSettings['source']>;
  /** What keeps sessions from starting, and what to mind. */
  readiness(): Promise<{ problems: About['problems']; warnings: string[] }>;
}

export const createAbout = (deps: AboutDeps) => async (): Promise<About> => {
  const [setupNeeded, source, { problems, warnings }] = await Promise.all([
    deps.setupNeeded(),
    deps.modelSource(),
    deps.readiness(),
  ]);
  return {
    name: deps.name,
    version: deps.version,
    setupNeeded,
    isolation: deps.isolation,
    demo: source === 'demo',
    modelSet: source !== 'none',
    models: [...deps.models],
    resources: deps.resources,
    images: deps.images,
    problems,
    warnings,
  };
};
