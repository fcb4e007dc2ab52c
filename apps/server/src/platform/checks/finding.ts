// What a check of a site's set-up found: one sentence, and what to do about it where something is not as it should be.

export interface Finding {
  /** What was looked at, in a word or two. */
  topic: string;
  /** `problem`: something does not work. `warning`: it works less well, or less safely, than it should. */
  state: 'ok' | 'warning' | 'problem';
  /** What is so, and why it matters. */
  what: string;
  /** What to do; null where nothing is to be done. */
  mend: string | null;
}

export const ok = (topic: string, what: string): Finding => ({ topic, state: 'ok', what, mend: null });
export const warning = (topic: string, what: string, mend: string): Finding => ({
  topic,
  state: 'warning',
  what,
  mend,
});
export const problem = (topic: string, what: string, mend: string): Finding => ({
  topic,
  state: 'problem',
  what,
  mend,
});

/** Why an attempt failed, in the words of the deepest cause; nothing of what was sent. */
export const whyOf = (error: unknown): string => {
  let deepest: unknown = error;
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
  const { code, message = String(deepest) } = deepest as { code?: string; message?: string };
  const said = message === '' ? (code ?? 'no reason was given') : message;
  return code === undefined || said.includes(code) ? said : `${said} (${code})`;
};
