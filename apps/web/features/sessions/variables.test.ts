import { expect, it } from 'vitest';

import { readVariables } from './variables';

it('reads a line each, keeps what is in a value, and leaves comments out', () => {
  expect(readVariables('A=1\n\n# why\n B = a=b \nC=')).toEqual({ env: { A: '1', B: ' a=b ', C: '' }, problem: null });
});

it('says which line or which name is wrong', () => {
  expect(readVariables('A=1\nnothing').problem).toBe('Line 2 is not of the form NAME=value.');
  expect(readVariables('PATH=/tmp').problem).toBe('PATH: This variable is set by the session itself.');
  expect(readVariables('A-B=1').problem).toContain('A-B: ');
});
