// Where the master key comes from: the configuration, or a file that is made once. It does not know what is sealed with it.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileOnce } from './files.js';

/** Turns 32 bytes of base64 (either alphabet) into a key, or undefined when they are not that. */
export function parseMasterKey(text: string): Buffer | undefined {
  const key = Buffer.from(text.trim(), 'base64');
  return key.length === 32 ? key : undefined;
}

/** `configured` is the value of `security.masterKey`; without it the key is `<secretsDir>/master.key`, made at first use. */
export async function loadMasterKey(secretsDir: string, configured?: string): Promise<Buffer> {
  const path = join(secretsDir, 'master.key');
  if (configured === undefined) await createFileOnce(path, `${randomBytes(32).toString('base64')}\n`, 0o600);
  const key = parseMasterKey(configured ?? (await readFile(path, 'utf8')));
  if (key !== undefined) return key;
  const source = configured === undefined ? path : 'security.masterKey';
  throw new Error(
    `${source} does not hold a master key (32 bytes in base64). Restore it from the backup: ` +
      'without it the stored secrets cannot be opened.',
  );
}
