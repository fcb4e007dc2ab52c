// What the tests read of their surroundings: the environment that they build for every child, and what chance is drawn from.

const allowed = /^(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|CI|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR)$/;

export const builtEnv = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => allowed.test(entry[0]) && entry[1] !== undefined,
    ),
  );

/** As `--seed` and `--seconds` of the test script say; else another seed each time. */
export const drawOptions = (): { seed: number; durationMs: number } => ({
  seed: Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 1e9)),
  durationMs: Number(process.env['TEST_SECONDS'] ?? 60) * 1_000,
});

/** The product's PostgreSQL and Redis are given to it by URL; else it has what it brings. */
export const usesServicesByUrl = (): boolean => process.env['TEST_SERVICES'] === 'urls';

/** What sessions run in: places of this machine, or containers of the engine that the project `containers` starts. */
export const placesUnderTest = (): 'process' | 'runc' | 'runsc' => {
  const given = process.env['TEST_PLACES'];
  return given === 'runc' || given === 'runsc' ? given : 'process';
};
