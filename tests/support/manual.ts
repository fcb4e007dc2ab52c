// The commands of a page of the manual, as a test runs them: what is written there is what is tried.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The shell blocks under this heading, in order, as one script that ends with the first command that fails. */
export const commandsOf = async (page: string, heading: string): Promise<string> => {
  const text = await readFile(fileURLToPath(new URL(`../../docs/${page}`, import.meta.url)), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  const blocks = [...(section ?? '').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  if (blocks.length === 0) throw new Error(`docs/${page} has no commands under "${heading}".`);
  return `set -e\n${blocks.join('\n')}`;
};
