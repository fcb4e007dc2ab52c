// node scripts/assemble.mjs <folder>: what a server needs to run, in one folder.
// Only old syntax here: an old Node must get as far as the sentence that names the version it lacks.
import { onSupportedNode } from './lib/node-version.mjs';

onSupportedNode(function () {
  return import('./lib/assemble.mjs');
});
