/** What this browser remembers. Storage that is full, blocked or edited by hand is the same as none. */

const prefix = 'remote-claude.';

export const remember = (key: string, value: unknown): void => {
  try {
    if (value === null || value === undefined || value === '') localStorage.removeItem(prefix + key);
    else localStorage.setItem(prefix + key, JSON.stringify(value));
  } catch {
    // The page works without it.
  }
};

export const recall = (key: string): unknown => {
  try {
    const text = localStorage.getItem(prefix + key);
    return text === null ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
};

/** Every value whose key begins so. */
export const recallAll = (start: string): unknown[] => {
  try {
    return Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index) ?? '')
      .filter((key) => key.startsWith(prefix + start))
      .map((key) => recall(key.slice(prefix.length)));
  } catch {
    return [];
  }
};

/** Tells the rest of each key that begins so and that another tab has forgotten; returns how to stop. */
export const onForgotten = (start: string, tell: (rest: string) => void): (() => void) => {
  const heard = ({ key, newValue }: StorageEvent): void => {
    if (newValue === null && key?.startsWith(prefix + start) === true) tell(key.slice(prefix.length + start.length));
  };
  window.addEventListener('storage', heard);
  return () => window.removeEventListener('storage', heard);
};

/** What is typed for a session. Several people may use one browser. */
export const draftKey = (userId: string, sessionId: string): string => `draft.${userId}.${sessionId}`;

export const recallText = (key: string): string => {
  const value = recall(key);
  return typeof value === 'string' ? value : '';
};
