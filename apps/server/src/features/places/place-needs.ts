// What the place of a session needs of its engine before it can be started. Pure.

import type { PlaceNeeds } from '@remote-claude/compute';

import type { EnvironmentDeps } from './environment.js';

/** Of every session; and of one in particular, what its configuration asks for. */
export const needsOf = ({ runtime }: Pick<EnvironmentDeps, 'runtime'>, image: string | null = null): PlaceNeeds => ({
  ...(image !== null && { image }),
  readOnlyMounts: runtime.mounts,
});
