// A configuration for tests: the defaults, with durations of `timing` at a tenth, and what a test changes.

import { stringify } from 'yaml';
import { loadConfig, type Config } from '../platform/config/load.js';
import { sections } from '../platform/config/schema.js';

/** `changes` has the shape of the YAML file: `{ sessions: { maxPerUser: 2 } }`. */
export function createTestConfig(changes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}): Config {
  const timing = Object.entries(sections.timing.parse({})).map(([name, { ms }]) => [name, `${ms / 10}ms`] as const);
  const tree = { ...changes, timing: { ...Object.fromEntries<unknown>(timing), ...changes['timing'] } };
  return loadConfig({ file: { path: 'test.yaml', text: stringify(tree) }, env: {}, readSecretFile: () => '' });
}
