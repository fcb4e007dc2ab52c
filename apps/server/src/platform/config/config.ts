// The one place of the server that reads the process's environment, and the configuration's files.

import { readFileSync } from 'node:fs';
import { childEnv, type Environment } from '../child-env.js';
import { loadConfig, type Config, type ConfigFlags } from './load.js';
import { ConfigError } from './problems.js';

export type { Config, ConfigFlags } from './load.js';
export { ConfigError } from './problems.js';

export interface ReadConfigOptions extends ConfigFlags {
  /** A file that must be there. */
  config?: string | undefined;
  /** Read where `config` is not given and it exists. */
  defaultFile?: string | undefined;
}

/** Throws a ConfigError that lists every problem. */
export function readConfig(options: ReadConfigOptions, env: Environment = process.env): Config {
  const { config, defaultFile, ...flags } = options;
  return loadConfig({
    file: readFile(config, defaultFile),
    env,
    flags,
    readSecretFile: (path) => readFileSync(path, 'utf8'),
  });
}

/** The environment for child processes of this server. */
export function processChildEnv(): Record<string, string> {
  return childEnv(process.env);
}

function readFile(wanted: string | undefined, fallback: string | undefined) {
  const path = wanted ?? fallback;
  if (path === undefined) return undefined;
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (wanted === undefined && code === 'ENOENT') return undefined;
    throw new ConfigError(
      [{ path, what: `cannot be read: ${message}`, mend: 'Correct the path given by --config, or its permissions.' }],
      undefined,
    );
  }
}
