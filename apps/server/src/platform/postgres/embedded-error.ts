// What keeps the embedded PostgreSQL from starting, as a sentence for whoever runs the server.

/** Its sentence says what to mend. `code` tells it from a bug. */
export class EmbeddedPostgresError extends Error {
  readonly code = 'EMBEDDED_POSTGRES';
}
