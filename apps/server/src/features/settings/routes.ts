// Routes of the site's settings. The model key is the gateway's: it is handed on and never kept here.

import { routes } from '@remote-claude/contract';

import { handle, type BoundRoute } from '../../platform/http/index.js';
import type { ModelChooser } from '../gateway/index.js';

export const settingsRoutes = (upstreams: ModelChooser): BoundRoute[] => [
  handle(routes.settings.getModel, async () => ({ status: 200, body: await upstreams.describe() })),
  handle(routes.settings.putModel, async ({ actor, body, ip }) => ({
    status: 200,
    body: await upstreams.change(actor, body, ip),
  })),
  handle(routes.settings.testModel, async ({ actor, ip }) => ({ status: 200, body: await upstreams.test(actor, ip) })),
];
