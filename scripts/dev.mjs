// npm run dev: the server and the page, rebuilt on every change.
// Only old syntax here: an old Node must get as far as the sentence that names the version it lacks.
import { onSupportedNode } from './lib/node-version.mjs';

onSupportedNode(function () {
  return import('./lib/dev.mjs');
});
