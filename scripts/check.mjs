// npm run check: types, lint, format, imports, dead code and house rules.
// Only old syntax here: an old Node must get as far as the sentence that names the version it lacks.
import { onSupportedNode } from './lib/node-version.mjs';

onSupportedNode(function () {
  return import('./lib/check.mjs');
});
