// Everything that is wrong with a configuration, as one error. It knows no key.

export interface Problem {
  /** Dotted path of the key, or the file or variable it is about. */
  path: string;
  what: string;
  mend: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[], source: string | undefined) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    const lines = problems.map(({ path, what, mend }) => `  ${path}: ${what}. ${mend}`);
    super(`The configuration${source === undefined ? '' : ` (${source})`} has ${count}:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}
