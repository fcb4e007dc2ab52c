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

export const recallText = (key: string): string => {
  const value = recall(key);
  return typeof value === 'string' ? value : '';
};
