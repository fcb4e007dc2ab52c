/** Finds the system's tools that the process driver needs. It does not run them. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Tools } from './bubblewrap-arguments.js';

const packages = { bwrap: 'bubblewrap', setpriv: 'util-linux', prlimit: 'util-linux', flock: 'util-linux' };

export interface FoundTools {
  tools: Tools;
  missing: { what: string; mend: string }[];
}

export function findTools(path: string, needed: (keyof Tools)[], bwrapPath?: string): FoundTools {
  const tools: Tools = { bwrap: '', setpriv: '', prlimit: '', flock: '' };
  const missing: FoundTools['missing'] = [];
  for (const name of needed) {
    const candidates =
      name === 'bwrap' && bwrapPath !== undefined
        ? [bwrapPath]
        : path.split(delimiter).map((folder) => join(folder, name));
    const found = candidates.find(isProgram);
    if (found !== undefined) tools[name] = found;
    else
      missing.push({
        what: `The program ${name} is not installed.`,
        mend: `Install the package ${packages[name]}: apt-get install ${packages[name]}`,
      });
  }
  return { tools, missing };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return path.startsWith('/');
  } catch {
    return false;
  }
}
