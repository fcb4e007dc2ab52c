// Variables in a configuration file: `${NAME}` and `${NAME:-default}` in values that YAML has parsed, so that what a
// variable holds is never read as YAML. `$${` stands for a plain `${`.

import type { Problem } from './problems.js';

/** A variable's value, taken from the file that `<NAME>_FILE` names where the variable itself is not set. */
export type Lookup = (name: string) => string | undefined;

const reference = /\$?\$\{([^}]*)\}?/g;
const form = /^([A-Za-z_]\w*)(?::-([\s\S]*))?$/;

/** Returns a copy with every reference replaced; what is null or empty counts as not given and is left out. */
export function substitute(tree: unknown, lookup: Lookup, problems: Problem[], path = ''): unknown {
  if (typeof tree === 'string') return substituteText(tree, lookup, problems, path);
  if (Array.isArray(tree)) {
    return tree
      .map((item, index) => substitute(item, lookup, problems, `${path}.${index}`))
      .filter((item) => item !== undefined);
  }
  if (typeof tree !== 'object' || tree === null) return tree ?? undefined;
  const entries = Object.entries(tree).flatMap(([key, value]) => {
    const result = substitute(value, lookup, problems, path === '' ? key : `${path}.${key}`);
    return result === undefined ? [] : [[key, result] as const];
  });
  return Object.fromEntries(entries);
}

function substituteText(input: string, lookup: Lookup, problems: Problem[], path: string): string | undefined {
  let missing = false;
  const result = input.replace(reference, (whole, inner: string) => {
    if (whole.startsWith('$$')) return whole.slice(1);
    const parts = whole.endsWith('}') ? form.exec(inner) : null;
    if (parts === null) {
      problems.push({
        path,
        what: `${whole} is not a variable`,
        mend: 'Write ${NAME} or ${NAME:-default}, or $${ for a plain ${.',
      });
      missing = true;
      return '';
    }
    const [, name = '', fallback] = parts;
    // As in a shell, an empty variable takes the default too.
    const value = lookup(name) || fallback;
    if (value !== undefined) return value;
    problems.push({
      path,
      what: `the variable ${name} is not set`,
      mend: `Set ${name} or ${name}_FILE, or write \${${name}:-default}.`,
    });
    missing = true;
    return '';
  });
  return missing || result === '' ? undefined : result;
}
