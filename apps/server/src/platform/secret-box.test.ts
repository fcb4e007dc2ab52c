import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadMasterKey } from './master-key.js';
import { createSecretBox } from './secret-box.js';

const key = randomBytes(32);

describe('the secret box', () => {
  const box = createSecretBox([key]);

  test('opens what it sealed, and seals the same text differently each time', () => {
    const first = box.seal('sk-canary', 'secrets:claude');
    const second = box.seal('sk-canary', 'secrets:claude');
    expect(box.open(first, 'secrets:claude').toString('utf8')).toBe('sk-canary');
    expect(first.ciphertext).not.toEqual(second.ciphertext);
    expect(first.ciphertext.includes('sk-canary')).toBe(false);
    expect(box.open(box.seal('', 'a:b'), 'a:b')).toHaveLength(0);
  });

  test('refuses a ciphertext that was moved to another row', () => {
    const sealed = box.seal('x', 'secrets:claude');
    expect(() => box.open(sealed, 'secrets:git')).toThrow(/belongs to another row/);
  });

  test('refuses every single damaged byte and every cut', () => {
    const sealed = box.seal('short', 'a:b');
    for (let at = 0; at < sealed.ciphertext.length; at += 1) {
      const damaged = Buffer.from(sealed.ciphertext);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => box.open({ ...sealed, ciphertext: damaged }, 'a:b')).toThrow(/does not open/);
      expect(() => box.open({ ...sealed, ciphertext: damaged.subarray(0, at) }, 'a:b')).toThrow(/does not open/);
    }
  });

  test('after a change of key the older one still opens, and a missing one is named', () => {
    const sealed = box.seal('x', 'a:b');
    const newer = createSecretBox([randomBytes(32), key]);
    expect(newer.open(sealed, 'a:b').toString()).toBe('x');
    expect(newer.seal('x', 'a:b').keyId).not.toBe(sealed.keyId);
    expect(() => createSecretBox([randomBytes(32)]).open(sealed, 'a:b')).toThrow(sealed.keyId);
  });

  test('derives stable and unrelated keys', () => {
    expect(box.derive('place:1')).toEqual(createSecretBox([key]).derive('place:1'));
    expect(box.derive('place:1')).not.toEqual(box.derive('place:2'));
    expect(box.derive('place:1')).toHaveLength(32);
  });
});

describe('the master key', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rc-key-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('is made once, also when several ask at once, and only its owner reads it', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => loadMasterKey(folder)));
    for (const each of keys) expect(each).toEqual(keys[0]);
    expect((await stat(join(folder, 'master.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['master.key']);
    expect(await loadMasterKey(folder)).toEqual(keys[0]);
  });

  test('a configured one is taken, a broken one is named', async () => {
    expect(await loadMasterKey(folder, key.toString('base64url'))).toEqual(key);
    await expect(loadMasterKey(folder, 'short')).rejects.toThrow(/security\.masterKey does not hold/);
    const broken = join(folder, 'broken');
    await loadMasterKey(broken);
    await writeFile(join(broken, 'master.key'), 'oops');
    await expect(loadMasterKey(broken)).rejects.toThrow(/Restore it from the backup/);
  });
});
