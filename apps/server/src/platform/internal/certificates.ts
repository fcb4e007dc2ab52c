// Certificates that the roles of one site show to each other. The site's authority is derived from its master key, so that
// whoever has the key has the authority, and nothing has to be stored or handed out. It knows no connection.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** PEM texts: who this process is, and whose word it takes. */
export interface Credentials {
  certificate: string;
  key: string;
  ca: string;
}

/** The name that stands in a role's certificate. */
export const nameOfRole = (role: string): string => `${role}.remote-claude.internal`;

/** `seed`: 32 secret bytes. The same seed gives the same authority, another one gives one that is a stranger to it. */
export const issueCredentials = (seed: Buffer, roles: readonly string[], nameFor = nameOfRole): Credentials => {
  const authorityKey = createPrivateKey({ key: Buffer.concat([pkcs8OfSeed, seed]), format: 'der', type: 'pkcs8' });
  const authority = `Remote Claude site ${fingerprint(createPublicKey(authorityKey))}`;
  const own = generateKeyPairSync('ed25519');
  const ca = certify(authorityKey, {
    serial: Buffer.of(1),
    issuer: authority,
    subject: authority,
    publicKey: createPublicKey(authorityKey),
    extensions: [
      extension(oids.basicConstraints, true, sequence(boolean(true))),
      extension(oids.keyUsage, true, bits(2, 0x04)),
    ],
  });
  const certificate = certify(authorityKey, {
    // Positive, and of a length that no reader refuses.
    serial: Buffer.concat([Buffer.of(0x40), randomBytes(15)]),
    issuer: authority,
    subject: `Remote Claude ${roles.join(', ')}`,
    publicKey: own.publicKey,
    extensions: [
      extension(oids.basicConstraints, true, sequence()),
      extension(oids.keyUsage, true, bits(7, 0x80)),
      extension(oids.extendedKeyUsage, false, sequence(oid(oids.serverAuth), oid(oids.clientAuth))),
      extension(
        oids.subjectAltName,
        false,
        sequence(...roles.map((role) => der(0x82, Buffer.from(nameFor(role), 'ascii')))),
      ),
    ],
  });
  return { certificate, key: own.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), ca };
};

interface Content {
  serial: Buffer;
  issuer: string;
  subject: string;
  publicKey: KeyObject;
  extensions: Buffer[];
}

const certify = (authorityKey: KeyObject, { serial, issuer, subject, publicKey, extensions }: Content): string => {
  const content = sequence(
    der(0xa0, integer(Buffer.of(2))),
    integer(serial),
    ed25519,
    nameOf(issuer),
    validity,
    nameOf(subject),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(...extensions)),
  );
  const whole = sequence(content, ed25519, bits(0, ...sign(null, content, authorityKey)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
};

const fingerprint = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex')
    .slice(0, 16);

// DER, as far as a certificate needs it (X.690, RFC 5280, RFC 8410).

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8. */
const pkcs8OfSeed = Buffer.from('302e020100300506032b657004220420', 'hex');

const oids = {
  ed25519: [1, 3, 101, 112],
  commonName: [2, 5, 4, 3],
  basicConstraints: [2, 5, 29, 19],
  keyUsage: [2, 5, 29, 15],
  extendedKeyUsage: [2, 5, 29, 37],
  subjectAltName: [2, 5, 29, 17],
  serverAuth: [1, 3, 6, 1, 5, 5, 7, 3, 1],
  clientAuth: [1, 3, 6, 1, 5, 5, 7, 3, 2],
} as const;

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const length =
    content.length < 0x80
      ? Buffer.of(content.length)
      : content.length < 0x100
        ? Buffer.of(0x81, content.length)
        : Buffer.of(0x82, content.length >> 8, content.length & 0xff);
  return Buffer.concat([Buffer.of(tag), length, content]);
};
const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const integer = (bytes: Buffer): Buffer => der(0x02, bytes);
const boolean = (value: boolean): Buffer => der(0x01, Buffer.of(value ? 0xff : 0));
const bits = (unused: number, ...bytes: readonly number[]): Buffer => der(0x03, Buffer.of(unused, ...bytes));
/** Every part beyond the first two is below 128 here. */
const oid = ([first = 0, second = 0, ...rest]: readonly number[]): Buffer =>
  der(0x06, Buffer.of(first * 40 + second, ...rest));
const nameOf = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(oid(oids.commonName), der(0x0c, Buffer.from(commonName, 'utf8')))));
const extension = (id: readonly number[], critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), der(0x04, value));

const ed25519 = sequence(oid(oids.ed25519));
/** For ever: its key lives as long as the process, whoever has the master key can make another, and no clock matters. */
const validity = sequence(
  der(0x17, Buffer.from('200101000000Z', 'ascii')),
  der(0x18, Buffer.from('99991231235959Z', 'ascii')),
);
