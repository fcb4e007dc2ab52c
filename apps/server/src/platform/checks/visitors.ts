// What the server takes visitors for, when they come the way that people come: it says so to whoever has the token of the
// metrics. A proxy that says nothing of them, or whose word is not taken, makes one of them all.

import { ask } from './ask.js';
import { ok, problem, warning, whyOf, type Finding } from './finding.js';

const topic = 'visitors';
/** Of no network: who is taken for it was believed (RFC 5737). */
const claimed = '203.0.113.254';

interface Seen {
  address: string;
  peer: string;
  scheme: string | null;
  isHeeded: boolean;
  isNamed: boolean;
}

const shared =
  'All people seem to come from there: one who mistypes a password locks all of them out, and the audit log names nobody';

export const checkVisitors = async (health: URL, token: string | null): Promise<Finding[]> => {
  if (token === null) {
    return isLocal(health)
      ? []
      : [
          warning(
            topic,
            'Whether the proxy says truly where people come from was not looked at.',
            'Set monitoring.metrics.token (METRICS_TOKEN) in the server and in the configuration that the doctor reads.',
          ),
        ];
  }
  try {
    const plain = await look(health, token);
    if (plain === null)
      return [
        warning(
          topic,
          'The server does not know the token of monitoring.metrics that stands in this configuration.',
          'Give the doctor the configuration of the server.',
        ),
      ];
    // Who asks on this machine stands where a proxy of it would, and would be believed.
    if (isLocal(health) && plain.isHeeded && !plain.isNamed) return [ok(topic, straight(plain))];
    const found = judge(plain, await look(health, token, { 'x-forwarded-for': claimed }));
    return [...found, ...schemeFindings(plain, health)];
  } catch (error) {
    return [problem(topic, `A request was lost: ${whyOf(error)}.`, 'See the log of the proxy.')];
  }
};

const isLocal = ({ hostname }: URL): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(hostname);

const look = async (health: URL, token: string, headers: Record<string, string> = {}): Promise<Seen | null> => {
  const { body } = await ask(health, 'GET', { ...headers, authorization: `Bearer ${token}` });
  return (JSON.parse(body) as { seen?: Seen }).seen ?? null;
};

const straight = ({ address }: Seen): string => `They come straight here: you come from ${address}`;

const judge = (plain: Seen, withClaim: Seen | null): Finding[] => {
  const { address, peer, isHeeded, isNamed } = plain;
  if (withClaim?.address === claimed)
    return [
      problem(
        topic,
        'What visitors say of themselves in X-Forwarded-For is believed: anybody can be anybody, and no limit of tries holds them.',
        'Let the first proxy set X-Forwarded-For to the address that it sees (nginx: $remote_addr), or add it at the end.',
      ),
    ];
  if (isNamed && !isHeeded)
    return [
      problem(
        topic,
        `A proxy at ${peer} says where people come from, and its word is not taken. ${shared}.`,
        `Name it in server.trustedProxies: [${peer}].`,
      ),
    ];
  if (isHeeded && !isNamed)
    return [
      problem(
        topic,
        `The proxy at ${peer} does not say where people come from. ${shared}.`,
        'Let it set X-Forwarded-For; deploy/nginx shows how.',
      ),
    ];
  return [ok(topic, isHeeded ? `A proxy says where people come from: you come from ${address}` : straight(plain))];
};

const schemeFindings = ({ isHeeded, scheme }: Seen, { protocol }: URL): Finding[] => {
  const used = protocol.replace(':', '');
  if (!isHeeded || scheme === used) return [];
  return [
    warning(
      topic,
      `The proxy says ${scheme === null ? 'nothing of the scheme' : scheme} where people come by ${used}. Links and cookies follow server.publicUrl, so nothing breaks here; what reads that header is misled.`,
      `Let the proxy set X-Forwarded-Proto to ${used}.`,
    ),
  ];
};
