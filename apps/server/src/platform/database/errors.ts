// What a refusal of the database means. It knows no table and no HTTP status.

const sqlState = /^[0-9A-Z]{5}$/;
const lostConnection = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? '');
}

/** Another row has that key already; `constraint` narrows it to one constraint or unique index. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (codeOf(error) !== '23505') return false;
  return constraint === undefined || (error as { constraint?: string }).constraint === constraint;
}

export function isForeignKeyViolation(error: unknown): boolean {
  return codeOf(error) === '23503';
}

/** A value has a form that its column cannot hold. What comes from outside is checked before; this is the last net. */
export function isDataException(error: unknown): boolean {
  return /^22[0-9A-Z]{3}$/.test(codeOf(error));
}

/** These rows are never taken, however often they are tried: wrong values, broken constraints, sizes beyond limits. */
export function isRefusedForGood(error: unknown): boolean {
  return /^(22|23|54)[0-9A-Z]{3}$/.test(codeOf(error));
}

/** Two transactions were in each other's way; the same one, tried again, can succeed. */
export function isConflict(error: unknown): boolean {
  return codeOf(error) === '40001' || codeOf(error) === '40P01';
}

/** A row does not fit on the database's disk; what needs no room goes on. */
export function isDiskFull(error: unknown): boolean {
  return codeOf(error) === '53100';
}

/** The database cannot be reached, is starting, stopping, or full. Whether a commit went through is unknown. */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  // Before the states of SQL: EPIPE looks like one.
  if (lostConnection.has(code)) return true;
  if (sqlState.test(code)) return /^(08|53|57P0|58|25P03)/.test(code);
  return (
    error instanceof Error &&
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      error.message,
    )
  );
}
