/** What find and sha256sum see of a work tree: an account of it by others than the code under test. */
import { execFileSync } from 'node:child_process';

export const accountOf = (workspace: string): string =>
  execFileSync('bash', [
    '-c',
    'cd "$1"; find . -mindepth 1 -printf "%P\\0%y %m %l\\n" | sort; find . -type f -print0 | sort -z | xargs -0 -r sha256sum',
    'account',
    workspace,
  ]).toString('latin1');
