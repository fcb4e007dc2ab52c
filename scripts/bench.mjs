// npm run bench: runs the benches that are named, or all.
// Only old syntax here: an old Node must get as far as the sentence that names the version it lacks.
import { onSupportedNode } from './lib/node-version.mjs';

onSupportedNode(function () {
  return import('./lib/bench.mjs');
});
