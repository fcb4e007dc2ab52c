// The list of the project's own files, for checks that must see every one of them.
// Git names them (those not yet added too, those ignored not); an unpacked archive is walked instead.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sourceFiles } from './fingerprint.mjs';
import { root, run } from './run.mjs';

const topLevel = ['apps', 'packages', 'tests', 'bench', 'scripts'];

export async function projectFiles() {
  if (existsSync(join(root, '.git'))) {
    const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const { code, output } = await run('git', args, { capture: true });
    if (code === 0)
      return [...new Set(output.split('\0'))].filter((file) => file && existsSync(join(root, file))).toSorted();
  }
  return sourceFiles(['.']).map((file) => file.slice(2));
}

const isCode = (file) => /\.(?:c|m)?(?:ts|tsx|js|jsx)$/.test(file);

/** Every source file that takes part in the import table, files of the root included. */
export async function codeFiles() {
  const files = await projectFiles();
  return files.filter((file) => isCode(file) && (!file.includes('/') || topLevel.includes(file.split('/')[0])));
}
