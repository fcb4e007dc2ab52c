// Which variables a site's configuration file asks for: the start hands exactly those on to the server.
// It does not know what a key means, and reports nothing about a bad file: the server does.
import { readFileSync } from 'node:fs';

// The server's own reading is in apps/server/src/platform/config/substitute.ts; `$${` there is a plain `${`.
const reference = /\$?\$\{([A-Za-z_]\w*)(?::-[^}]*)?\}/g;
/** Of whoever runs Claude Code on this machine for themselves: never the server's. */
const foreign = /^(?:ANTHROPIC|CLAUDE)_/;
const own = new Set(['CLAUDE_API_KEY', 'CLAUDE_API_KEY_FILE']);

/** The file that `--config FILE` or `--config=FILE` names; the last one counts, as it does for the server. */
export function configFileOf(args) {
  let file;
  args.forEach((arg, index) => {
    if (arg === '--config') file = args[index + 1];
    else if (arg.startsWith('--config=')) file = arg.slice('--config='.length);
  });
  return file;
}

/** `{ wanted, withheld }`: names that the text refers to, and those of them that are not handed on. */
export function referencedNames(text) {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  const found = [...lines.join('\n').matchAll(reference)].filter(([whole]) => !whole.startsWith('$$'));
  const names = [...new Set(found.map(([, name]) => name))];
  const isForeign = (name) => foreign.test(name) && !own.has(name);
  return {
    wanted: names.filter((name) => !isForeign(name)).flatMap((name) => [name, `${name}_FILE`]),
    withheld: names.filter(isForeign),
  };
}

/** The same for the file that the server's arguments name; nothing where there is none to read. */
export function variablesOf(args) {
  const file = configFileOf(args);
  if (file === undefined) return { wanted: [], withheld: [] };
  try {
    return referencedNames(readFileSync(file, 'utf8'));
  } catch {
    return { wanted: [], withheld: [] };
  }
}
