// npm start: makes the machine ready, builds what is stale, runs the server.
// Only old syntax here: an old Node must get as far as the sentence that names the version it lacks.
import { onSupportedNode } from './lib/node-version.mjs';

onSupportedNode(function () {
  return import('./lib/start.mjs');
});
