// What lies between people and the server, seen from outside: name and certificate, a proxy that keeps Host and Origin, and
// one that passes WebSockets. And the way from here to the model. Nothing secret is sent.

import { randomBytes } from 'node:crypto';

import { ask, type Answer } from './ask.js';
import { clockBeside } from './clock.js';
import { ok, problem, warning, whyOf, type Finding } from './finding.js';
import { checkVisitors } from './visitors.js';

const nobodysSession = '00000000-0000-4000-8000-000000000000';

/** The code of an error in the product's own shape; null where somebody else answered. */
const codeOf = ({ body }: Answer): string | null => {
  try {
    return (JSON.parse(body) as { error?: { code?: string } }).error?.code ?? null;
  } catch {
    return null;
  }
};

/** `site` is what people open, with its base path; `token` is that of the metrics. */
export const checkFront = async (site: string, token: string | null): Promise<Finding[]> => {
  const at = (path: string): URL => new URL(`${site.replace(/\/+$/, '')}${path}`);
  const { origin, protocol, hostname } = at('/');
  try {
    const health = await ask(at('/healthz'), 'GET');
    if (health.status !== 200 || !health.body.startsWith('{'))
      return [
        problem(
          'page',
          `${site} is answered with ${health.status} by somebody who is not this server.`,
          'Start the server, and check server.publicUrl, server.basePath and where the proxy sends requests.',
        ),
      ];
  } catch (error) {
    return [
      problem(
        'page',
        `${site} cannot be reached: ${whyOf(error)}.`,
        'Start the server and the proxy; check the name, the certificate and server.publicUrl.',
      ),
    ];
  }
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  const reached =
    protocol === 'https:' || isLocal
      ? ok('page', `${site} answers`)
      : warning(
          'page',
          `${site} is not HTTPS: passwords go over the network as they are.`,
          'Put a proxy with TLS in front.',
        );
  const words = await checkVisitors(at('/healthz'), token);
  return [reached, await hostFinding(at, origin), ...words, await upgradeFinding(at, origin)];
};

const hostFinding = async (at: (path: string) => URL, origin: string): Promise<Finding> => {
  const answer = await ask(at('/api/auth/logout'), 'POST', { origin, 'content-type': 'application/json' }).catch(
    (error: unknown) => error as Error,
  );
  if (answer instanceof Error)
    return problem('proxy headers', `A request was lost: ${whyOf(answer)}.`, 'See the log of the proxy.');
  const code = codeOf(answer);
  if (answer.status === 403 || code === 'origin_refused')
    return problem(
      'proxy headers',
      'The server takes a request of its own page for one of another site.',
      'Let the proxy pass Host and Origin on as they come, and set server.publicUrl to what people open.',
    );
  if (answer.status >= 500)
    return problem('proxy headers', `The API answers ${answer.status}.`, 'See /readyz and the log of the server.');
  return ok('proxy headers', 'Host and Origin reach the server');
};

const upgradeFinding = async (at: (path: string) => URL, origin: string): Promise<Finding> => {
  const answer = await ask(at(`/api/sessions/${nobodysSession}/ws`), 'GET', {
    origin,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
  }).catch((error: unknown) => error as Error);
  if (!(answer instanceof Error) && (answer.status === 101 || answer.status === 401))
    return ok('WebSockets', 'An upgrade reaches the server');
  const how = answer instanceof Error ? whyOf(answer) : `it is answered with ${answer.status}`;
  return problem(
    'WebSockets',
    `An upgrade does not reach the server (${how}): chat and terminals stay empty.`,
    'Let the proxy pass Upgrade and Connection on, by HTTP/1.1; deploy/nginx shows how.',
  );
};

export const checkUpstream = async (baseUrl: string): Promise<Finding[]> => {
  const topic = 'model';
  try {
    const { status, headers } = await ask(new URL('/v1/models', baseUrl), 'GET');
    const reached =
      status >= 500
        ? warning(topic, `${baseUrl} answers ${status}.`, 'Try again later; see the status page of the provider.')
        : ok(topic, `${baseUrl} can be reached from here`);
    const clock = clockBeside(headers.date);
    return clock === null ? [reached] : [reached, clock];
  } catch (error) {
    return [
      problem(
        topic,
        `${baseUrl} cannot be reached: ${whyOf(error)}. Claude has no model without it.`,
        'Check claude.baseUrl, the name server and the firewall of the machine with the gateway, and its clock.',
      ),
    ];
  }
};
