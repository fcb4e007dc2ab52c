// The other processes of a site that this one needs: whether they answer, and take it for one of theirs.

import { createSecretBox } from '../secret-box.js';
import { createPeer, loadCredentials } from '../internal/index.js';
import { parseMasterKey } from '../master-key.js';
import type { Config } from '../config/config.js';
import { z } from 'zod';

import { ask } from './ask.js';
import { ok, problem, whyOf, type Finding } from './finding.js';

const topic = 'other roles';
const withinMs = 5_000;
type Role = Config['server']['roles'][number];

export const checkRoles = async ({ server, security }: Pick<Config, 'server' | 'security'>): Promise<Finding[]> => {
  const has = (role: Role): boolean => server.roles.includes(role);
  const found: Finding[] = [];
  if (has('web') && !has('api') && server.apiUrl !== null) found.push(await checkApi(server.apiUrl, server.basePath));
  const { gatewayUrl, sessionManagerUrl } = server.internal;
  if (gatewayUrl !== null && !has('gateway') && (has('api') || has('session-manager')))
    found.push(await checkPeer('gateway', gatewayUrl, { server, security }));
  if (sessionManagerUrl !== null && !has('session-manager') && has('api'))
    found.push(await checkPeer('session-manager', sessionManagerUrl, { server, security }));
  return found;
};

const checkApi = async (apiUrl: string, basePath: string): Promise<Finding> => {
  try {
    const { status } = await ask(new URL(`${basePath === '/' ? '' : basePath}/healthz`, apiUrl), 'GET');
    if (status === 200) return ok(topic, `The api answers at ${apiUrl}`);
    throw new Error(`it answers ${status}`);
  } catch (error) {
    return problem(
      topic,
      `The api cannot be reached at ${apiUrl}: ${whyOf(error)}. The page opens, and nobody can sign in.`,
      'Start the api, and check server.apiUrl (API_URL) and server.basePath of both.',
    );
  }
};

const checkPeer = async (
  role: Role,
  url: string,
  { server, security }: Pick<Config, 'server' | 'security'>,
): Promise<Finding> => {
  const words = `The ${role} cannot be reached at ${url}`;
  const masterKey = parseMasterKey(security.masterKey ?? '');
  if (masterKey === undefined)
    return problem(topic, `${words}: there is no security.masterKey.`, 'Give all roles the same one (MASTER_KEY).');
  try {
    const { derive } = createSecretBox([masterKey]);
    const { credentials, named } = await loadCredentials(server.internal, { derive, roles: server.roles });
    const peer = createPeer({ role, url, credentials, named, timeoutMs: withinMs });
    try {
      await peer.ask({ method: 'GET', path: '/health', withinMs }, z.null());
    } finally {
      peer.close();
    }
    return ok(topic, `The ${role} answers at ${url}, and is of this site`);
  } catch (error) {
    return problem(
      topic,
      `${words}: ${whyOf(error)}.`,
      'Start it, check server.internal, and that both have the same security.masterKey: their certificates come of it.',
    );
  }
};
