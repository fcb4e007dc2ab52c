import { expect, it } from 'vitest';

import { changeSentence } from './rewind-words';

it.each([
  [{ added: 0, modified: 0, deleted: 0 }, ''],
  [{ added: 1, modified: 0, deleted: 0 }, '1 path comes back.'],
  [{ added: 0, modified: 2, deleted: 1 }, '2 paths change and 1 is removed.'],
  [{ added: 3, modified: 1, deleted: 2 }, '3 paths come back, 1 changes and 2 are removed.'],
])('says what would change, and nothing of what would not: %j', (counts, words) => {
  expect(changeSentence(counts)).toBe(words);
});
