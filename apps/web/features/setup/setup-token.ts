/** The one-time token in the set-up link's fragment. A fragment reaches no server and no log; here it leaves the address too. */

/** Reads `#token=…` and takes it out of the address and of the history entry. */
export const takeSetupToken = (): string | null => {
  const token = new URLSearchParams(window.location.hash.slice(1)).get('token');
  if (window.location.hash !== '')
    window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search);
  return token === null || token === '' ? null : token;
};
