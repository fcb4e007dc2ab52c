/** The colours of the page for those that draw without CSS (an editor, a terminal), read from the one set of variables. */

export const tokenNames = [
  'bg',
  'surface',
  'sunken',
  'raised',
  'line',
  'text',
  'muted',
  'faint',
  'accent',
  'accent-soft',
  'selection',
  'working',
  'attention',
  'ok',
  'danger',
  'diff-add',
  'diff-del',
  'code-text',
  'code-comment',
  'code-keyword',
  'code-string',
  'code-number',
  'code-function',
  'code-type',
  'code-punctuation',
  'ansi-black',
  'ansi-red',
  'ansi-green',
  'ansi-yellow',
  'ansi-blue',
  'ansi-magenta',
  'ansi-cyan',
  'ansi-white',
  'ansi-bright-black',
  'ansi-bright-red',
  'ansi-bright-green',
  'ansi-bright-yellow',
  'ansi-bright-blue',
  'ansi-bright-magenta',
  'ansi-bright-cyan',
  'ansi-bright-white',
] as const;
export type TokenName = (typeof tokenNames)[number];

/** The values in force now, such as `#1b1b1f`. Read them again when `useTheme().resolved` changes. */
export const readThemeTokens = (): Record<TokenName, string> => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(tokenNames.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Record<
    TokenName,
    string
  >;
};
