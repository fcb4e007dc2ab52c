// The environment of a child process, built from a list of what is wanted.
// It knows nothing of who starts the child; a caller adds its own variables on top.

/** Variables by name or undefined, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const allowed = [
  'PATH',
  'HOME',
  'LANG',
  'TZ',
  'TMPDIR',
  'CI',
  // Certificates of a company's own authority.
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
];

// npm spells its settings in either case; those that carry a credential stay here.
const npmSetting = /^npm_config_/i;
const credential = /auth|password|token|otp|_key$|:/i;

/** What a child may know of `source`: a list, so that a new secret of the server is left out without anyone's care. */
export function childEnv(source: Environment): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined) continue;
    if (allowed.includes(name) || (npmSetting.test(name) && !credential.test(name))) result[name] = value;
  }
  return result;
}
