// What this process shows to other roles, and whose word it takes: given files, or made from the site's master key.

import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';

import { issueCredentials, type Credentials } from './certificates.js';

export interface CredentialSources {
  certificate: string | null;
  key: string | null;
  ca: string | null;
}

/** `named`: they are this site's own and name roles; given ones name hosts. */
export const loadCredentials = async (
  { certificate, key, ca }: CredentialSources,
  site: { derive(label: string): Buffer; roles: readonly string[] },
): Promise<{ credentials: Credentials; named: boolean }> => {
  if (certificate === null || key === null || ca === null) {
    return { credentials: issueCredentials(site.derive('roles-authority'), site.roles), named: true };
  }
  const read = async (name: string, path: string): Promise<string> => {
    try {
      return await readFile(path, 'utf8');
    } catch (cause) {
      throw credentialError(`server.internal.${name} cannot be read: ${(cause as Error).message}.`, cause);
    }
  };
  const credentials = {
    certificate: await read('certificate', certificate),
    key: await read('key', key),
    ca: await read('ca', ca),
  };
  try {
    createSecureContext({ cert: credentials.certificate, key: credentials.key, ca: credentials.ca });
  } catch (cause) {
    throw credentialError(
      `server.internal: certificate, key and ca do not make a pair and its authority, in PEM: ${(cause as Error).message}.`,
      cause,
    );
  }
  return { credentials, named: false };
};

const credentialError = (message: string, cause: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code: 'INTERNAL_CREDENTIALS' });
