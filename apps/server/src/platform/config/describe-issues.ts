// What the schema found, in words that say which key, what stands there and how to mend it.

import { z } from 'zod';
import type { Problem } from './problems.js';
import { sections, secretKeys } from './schema.js';
import { notSupportedYet } from './values.js';

const maxShownCharacters = 60;

export function describeIssues(section: string, issues: readonly z.core.$ZodIssue[], tree: unknown): Problem[] {
  return issues.flatMap((issue) => {
    const path = [section, ...issue.path.map(String)];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key].join('.'),
        what: 'is not a known key',
        mend: `Known in ${path.join('.')} are ${knownKeys(path)}.`,
      }));
    }
    if (issue.message.startsWith(notSupportedYet)) {
      const [what = '', mend = ''] = issue.message.split('; ');
      return [{ path: path.join('.'), what: `${what}: ${shown(path, tree)}`, mend: `It ${mend}.` }];
    }
    const mend =
      issue.code === 'custom' || issue.message.startsWith('must ')
        ? issue.message
        : `must hold the keys ${knownKeys(path)}`;
    return [{ path: path.join('.'), what: `is ${shown(path, tree)}`, mend: `It ${mend}.` }];
  });
}

/** The keys below a path of the schema, in its order. */
export function knownKeys(path: readonly string[]): string {
  let shape: Readonly<Record<string, unknown>> = sections;
  for (const name of path) {
    let schema: unknown = shape[name];
    while (schema instanceof z.ZodPrefault) schema = schema.unwrap();
    shape = schema instanceof z.ZodObject ? schema.shape : {};
  }
  return Object.keys(shape).join(', ');
}

function shown(path: readonly string[], tree: unknown): string {
  if (secretKeys.includes(path.join('.'))) return 'not of the right form (not shown here)';
  const value = path.reduce<unknown>(below, tree);
  const text = JSON.stringify(value) ?? 'empty';
  return text.length > maxShownCharacters ? `${text.slice(0, maxShownCharacters)}…` : text;
}

function below(holder: unknown, name: string): unknown {
  // A list that was given as text with commas.
  const from = typeof holder === 'string' ? holder.split(',').map((part) => part.trim()) : holder;
  return (from as Record<string, unknown> | undefined)?.[name];
}
