import { sessionId } from '@remote-claude/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { decodeCursor, encodeCursor } from './page-cursor.js';

const id = '0f0e0d0c-0000-4000-8000-000000000001';
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

test('gives back what it was made of', () => {
  const end = { at: new Date('2026-01-02T03:04:05.678Z'), id };
  expect(decodeCursor(encodeCursor(end), sessionId)).toEqual(end);
});

test('refuses everything else', () => {
  const wrong = [
    ...['', 'x', id, '------------------------------------', '1.------------------------------------'],
    ...[null, {}, [], [1], [1, 'x'], [1, '-'.repeat(36)], [-1, id], [1e300, id], ['1', id], [1.5, id], [1, id, 2]].map(
      encoded,
    ),
  ];
  for (const cursor of wrong)
    expect(() => decodeCursor(cursor, sessionId)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  fc.assert(
    fc.property(fc.string(), (cursor) => {
      expect(() => decodeCursor(cursor, sessionId)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
    }),
  );
});
