// Passwords as Argon2id hashes. It knows no user.

import { hash, verify } from '@node-rs/argon2';

// Argon2id (2) at the cost that OWASP names first: 19 MiB, two passes, one lane.
const cost = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

// Hash of a password that nobody has: verifying against it takes as long as against a real one.
let decoy: Promise<string> | undefined;

export const hashPassword = (password: string): Promise<string> => hash(password.normalize('NFKC'), cost);

/** Takes the same time whether or not there is a hash to compare with. */
export const verifyPassword = async (stored: string | null, password: string): Promise<boolean> => {
  decoy ??= hashPassword(crypto.randomUUID());
  const matches = await verify(stored ?? (await decoy), password.normalize('NFKC'));
  return matches && stored !== null;
};
