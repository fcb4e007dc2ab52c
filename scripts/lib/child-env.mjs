// The environment of every process that the scripts start: built from a list, never inherited.
// It does not know what a child does with it; a caller adds what only its own child needs.
import { variablesOf } from './config-variables.mjs';

const names = new Set([
  'PATH',
  'HOME',
  'LANG',
  'TZ',
  'TMPDIR',
  'XDG_CACHE_HOME',
  'CI',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'GIT_SSL_CAINFO',
]);
const families = [/^LC_[A-Z]+$/, /^npm_config_/i];

// Some of them the server refuses for now; it says so, which it could not without them.
const serverNames = ['DATABASE_URL', 'REDIS_URL', 'CLAUDE_API_KEY', 'METRICS_TOKEN', 'API_URL', 'CONTAINER_PREFIX'];
const serverFamilies = [/^REMOTE_CLAUDE_[A-Z0-9_]+$/];

function pick(wanted, wantedFamilies) {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => wanted.has(name) || wantedFamilies.some((family) => family.test(name)),
    ),
  );
}

/** What any child may see, and the variables that the caller adds for this one. */
export function childEnv(extra = {}) {
  return { ...pick(names, families), ...extra };
}

/** The server's own configuration variables, and those that the file among its arguments names; only it gets them. */
export function serverVariables(args = []) {
  const own = serverNames.flatMap((name) => [name, `${name}_FILE`]);
  return pick(new Set([...own, ...variablesOf(args).wanted]), serverFamilies);
}

/** Which container engine the caller's docker talks to. */
const engineNames = [
  'DOCKER_BUILDKIT',
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'SSH_AUTH_SOCK',
];
export const engineVariables = () => pick(new Set(engineNames), []);

/** Whether npm is the parent (by way of a shell): the scripts end when it does. */
export const isStartedByNpm = () => process.env.npm_lifecycle_event !== undefined;
