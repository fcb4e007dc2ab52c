// Waiting for a condition instead of for a time.

export interface WaitOptions {
  timeoutMs?: number;
  /** Said when it does not come about. */
  what: string | (() => string);
}

/** Asks until the answer is neither null, undefined nor false; an error counts as not yet. */
export const until = async <T>(
  ask: () => Promise<T> | T,
  { timeoutMs = 60_000, what }: WaitOptions,
): Promise<NonNullable<T>> => {
  const end = performance.now() + timeoutMs;
  let last: unknown = null;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer !== null && answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (thrown) {
      last = thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(
    `Waited ${timeoutMs} ms for ${typeof what === 'string' ? what : what()}; last: ${last instanceof Error ? last.stack : JSON.stringify(last)}`,
  );
};
