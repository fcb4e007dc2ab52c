/** What the tests of this package take from the environment: where programs are found, and nothing else. */
export const systemPath = process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
