// Envelope encryption of secrets at rest: each secret has a data key of its own, wrapped by the master key.
// It knows neither the tables that hold the result nor where the master key comes from (master-key.ts).

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const formatVersion = 1;
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const wrappedBytes = ivBytes + keyBytes + tagBytes;

export interface Sealed {
  ciphertext: Buffer;
  /** Which master key opens it; stored beside the ciphertext, so that keys can be replaced one row at a time. */
  keyId: string;
}

export interface SecretBox {
  /** Seals with the newest key. `place` is `table:row`: a ciphertext that is moved to another row does not open. */
  seal(plain: string | Uint8Array, place: string): Sealed;
  open(sealed: Sealed, place: string): Buffer;
  /** A key of 32 bytes for one purpose, the same after every start; different labels give unrelated keys. */
  derive(label: string): Buffer;
  readonly keyId: string;
}

interface MasterKey {
  id: string;
  key: Uint8Array;
}

/** `keys[0]` is the current master key and seals; older ones only open. Each has 32 bytes. */
export function createSecretBox(keys: readonly [Uint8Array, ...Uint8Array[]]): SecretBox {
  const masters = keys.map((key) => {
    if (key.length !== keyBytes) throw new Error(`A master key has ${keyBytes} bytes, this one has ${key.length}.`);
    return { id: hmac(key, 'key-id').toString('hex').slice(0, 16), key };
  });
  const current = masters[0] as MasterKey;

  return {
    keyId: current.id,
    derive: (label) => hmac(current.key, `derive:${label}`),
    seal(plain, place) {
      const dataKey = randomBytes(keyBytes);
      const context = contextOf(current.id, place);
      const ciphertext = Buffer.concat([
        Buffer.of(formatVersion),
        encrypt(current.key, dataKey, context),
        encrypt(dataKey, typeof plain === 'string' ? Buffer.from(plain, 'utf8') : plain, context),
      ]);
      dataKey.fill(0);
      return { ciphertext, keyId: current.id };
    },
    open(sealed, place) {
      const master = masters.find((candidate) => candidate.id === sealed.keyId);
      if (master === undefined) {
        throw new Error(
          `The secret of ${place} was sealed with master key ${sealed.keyId}, which this server does not have. ` +
            'Restore secrets/master.key from the backup, or enter the secret again.',
        );
      }
      return openWith(master, sealed.ciphertext, place);
    },
  };
}

function openWith(master: MasterKey, ciphertext: Buffer, place: string): Buffer {
  const context = contextOf(master.id, place);
  try {
    if (ciphertext[0] !== formatVersion) throw new Error(`unknown format ${ciphertext[0] ?? 'none'}`);
    const dataKey = decrypt(master.key, ciphertext.subarray(1, 1 + wrappedBytes), context);
    return decrypt(dataKey, ciphertext.subarray(1 + wrappedBytes), context);
  } catch (cause) {
    throw new Error(`The secret of ${place} does not open: it is damaged or belongs to another row.`, { cause });
  }
}

function contextOf(keyId: string, place: string): Buffer {
  return Buffer.from(`${formatVersion}\n${keyId}\n${place}`, 'utf8');
}

function encrypt(key: Uint8Array, plain: Uint8Array, context: Buffer): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, key, iv).setAAD(context);
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Uint8Array, sealed: Buffer, context: Buffer): Buffer {
  if (sealed.length < ivBytes + tagBytes) throw new Error('too short');
  const tagStart = sealed.length - tagBytes;
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
  decipher.setAAD(context).setAuthTag(sealed.subarray(tagStart));
  return Buffer.concat([decipher.update(sealed.subarray(ivBytes, tagStart)), decipher.final()]);
}

function hmac(key: Uint8Array, label: string): Buffer {
  return createHmac('sha256', key).update(`remote-claude:${label}`, 'utf8').digest();
}
