import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createUidStore } from './uid-store.js';

let folder = '';
const range = { first: 500_000, count: 3 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rc-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('gives each session a uid of its own and keeps it over restarts', () => {
  const store = createUidStore(folder, range);
  const uids = ['a', 'b', 'c'].map((session) => store.take(session));
  expect(uids).toEqual([500_000, 500_001, 500_002]);
  expect(store.take('b')).toBe(500_001);
  expect(createUidStore(folder, range).take('c')).toBe(500_002);
  expect(readdirSync(folder).sort()).toEqual(['500000', '500001', '500002']);
});

it('says when the range is used up, and gives freed ones again', () => {
  const store = createUidStore(folder, range);
  for (const session of ['a', 'b', 'c']) store.take(session);
  expect(() => store.take('d')).toThrow(/All 3 uids/);
  store.free('b');
  store.free('b');
  expect(store.take('d')).toBe(500_001);
});

it('does not take what another server has taken meanwhile', () => {
  const store = createUidStore(folder, range);
  store.take('a');
  writeFileSync(join(folder, '500001'), 'elsewhere');
  expect(store.take('b')).toBe(500_002);
  expect(store.take('elsewhere')).toBe(500_001);
});

it('two on one folder agree whose a uid is, whoever takes and frees it', () => {
  const [one, other] = [createUidStore(folder, range), createUidStore(folder, range)];
  expect([one.take('a'), other.take('b')]).toEqual([500_000, 500_001]);
  expect([one.take('b'), other.take('a')]).toEqual([500_001, 500_000]);
  other.free('a');
  expect(other.take('c')).toBe(500_000);
  expect(one.take('a')).toBe(500_002);
  one.free('c');
  expect(other.take('c')).toBe(500_000);
});

it('refuses a range of ordinary accounts', () => {
  expect(() => createUidStore(folder, { first: 0, count: 10 })).toThrow(/not usable/);
  expect(() => createUidStore(folder, { first: 4_294_967_290, count: 10 })).toThrow(/not usable/);
});
