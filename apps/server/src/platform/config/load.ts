// From a file's text, variables and flags to the finished configuration, or to the list of all that is wrong.
// It reads nothing by itself.

import { parseDocument } from 'yaml';
import type { Environment } from '../child-env.js';
import { checkTogether } from './check-together.js';
import { describeIssues, knownKeys } from './describe-issues.js';
import { finish, type Finished } from './finished.js';
import { ConfigError, type Problem } from './problems.js';
import { laterKeys, sections, variables, type Parsed } from './schema.js';
import { substitute, type Lookup } from './substitute.js';
import { notSupportedYet } from './values.js';

export type Config = Finished<Parsed>;

/** What the command line gives; it wins over variables and file. */
export interface ConfigFlags {
  port?: string | number | undefined;
  host?: string | undefined;
  dataDir?: string | undefined;
  /** A list, or text with commas. */
  roles?: string | readonly string[] | undefined;
}

export interface ConfigSources {
  file?: { path: string; text: string } | undefined;
  env: Environment;
  /** Reads the file that a variable `<NAME>_FILE` names; throws where it cannot. */
  readSecretFile: (path: string) => string;
  flags?: ConfigFlags;
}

export type Tree = Record<string, unknown>;

export function loadConfig(sources: ConfigSources): Config {
  const problems: Problem[] = [];
  const lookup = createLookup(sources, problems);
  const tree = parseFile(sources.file, problems);
  refuseLater(tree, problems);
  const merged = (substitute(tree, lookup, problems) ?? {}) as Tree;
  for (const [name, path] of Object.entries(variables)) {
    const value = lookup(name);
    if (value === undefined || value === '') continue;
    if (laterKeys.some((key) => path === key || path.startsWith(`${key}.`))) {
      problems.push({ path: name, what: `${notSupportedYet}: ${path}`, mend: 'Unset the variable for this program.' });
    } else setAt(merged, path, value);
  }
  for (const [key, value] of Object.entries(sources.flags ?? {}))
    if (value !== undefined) setAt(merged, `server.${key}`, value);

  const parsed = parseSections(merged, problems);
  checkTogether(parsed, problems);
  if (problems.length > 0) throw new ConfigError(problems, sources.file?.path);
  return finish(parsed as Parsed);
}

function createLookup({ env, readSecretFile }: ConfigSources, problems: Problem[]): Lookup {
  const seen = new Map<string, string | undefined>();
  function find(name: string): string | undefined {
    const direct = env[name];
    const file = env[`${name}_FILE`];
    if (file === undefined || file === '') return direct;
    if (direct !== undefined && direct !== '') {
      problems.push({ path: name, what: `${name} and ${name}_FILE are both set`, mend: 'Keep one of them.' });
      return direct;
    }
    try {
      return readSecretFile(file).trimEnd();
    } catch (error) {
      problems.push({
        path: `${name}_FILE`,
        what: `cannot be read: ${(error as Error).message}`,
        mend: 'Correct the path or its permissions.',
      });
      return undefined;
    }
  }
  return (name) => {
    // Once per variable, so that a problem with it is listed once.
    if (!seen.has(name)) seen.set(name, find(name));
    return seen.get(name);
  };
}

function parseFile(file: ConfigSources['file'], problems: Problem[]): Tree {
  if (file === undefined) return {};
  const document = parseDocument(file.text);
  for (const error of document.errors) {
    const what = (error.message.split('\n')[0] ?? '').replace(/[.:]$/, '');
    problems.push({ path: file.path, what, mend: 'Correct the YAML there.' });
  }
  if (document.errors.length > 0) return {};
  let tree: unknown;
  try {
    tree = document.toJS() ?? {};
  } catch (error) {
    problems.push({ path: file.path, what: (error as Error).message, mend: 'Correct the YAML there.' });
    return {};
  }
  if (isTree(tree)) return tree;
  problems.push({
    path: file.path,
    what: 'it holds no keys',
    mend: 'Write sections such as "server:" with keys below them.',
  });
  return {};
}

/** Takes out the keys that nothing uses yet, each with its problem, so that they are not also called unknown. */
function refuseLater(tree: Tree, problems: Problem[]): void {
  for (const key of laterKeys) {
    const names = key.split('.');
    const last = names.pop() ?? '';
    const holder = names.reduce<unknown>((at, name) => (isTree(at) ? at[name] : undefined), tree);
    if (!isTree(holder) || !(last in holder)) continue;
    delete holder[last];
    problems.push({
      path: key,
      what: `${notSupportedYet}: ${key}`,
      mend: 'Remove it; this version would not act on it.',
    });
  }
}

function parseSections(tree: Tree, problems: Problem[]): Partial<Parsed> {
  const parsed: Record<string, unknown> = {};
  for (const key of Object.keys(tree)) {
    if (!(key in sections))
      problems.push({ path: key, what: 'is not a known section', mend: `Known are ${knownKeys([])}.` });
  }
  for (const [name, schema] of Object.entries(sections)) {
    const result = schema.safeParse(tree[name] ?? {});
    if (result.success) parsed[name] = result.data;
    else problems.push(...describeIssues(name, result.error.issues, tree));
  }
  return parsed;
}

function setAt(tree: Tree, path: string, value: unknown): void {
  const names = path.split('.');
  const key = names.pop() ?? '';
  // What is no tree there is said to be wrong when it is read.
  const holder = names.reduce<unknown>((at, name) => (isTree(at) ? (at[name] ??= {}) : undefined), tree);
  if (isTree(holder)) holder[key] = value;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
