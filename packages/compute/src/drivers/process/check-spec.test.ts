import { expect, it } from 'vitest';
import type { PlaceSpec } from '../../driver.js';
import { environmentArguments, readIdentityCard } from './bubblewrap-arguments.js';
import { checkSpec } from '../../check-spec.js';

const good: PlaceSpec = {
  sessionId: 's-1',
  placeId: 'p_1',
  disk: 'new',
  command: ['true'],
  environment: { A: 'b=c\nd' },
  limits: { cpus: 0.5, memoryBytes: 1, processes: 1, openFiles: 1 },
  readOnlyMounts: [{ source: '/a', target: '/opt/a/b' }],
};

it('takes what is right', () => {
  expect(() => checkSpec(good)).not.toThrow();
});

const bad: [string, Partial<PlaceSpec>][] = [
  ['a session that is a path', { sessionId: '../x' }],
  ['an empty place id', { placeId: '' }],
  ['a long id', { placeId: 'x'.repeat(65) }],
  ['no command', { command: [] }],
  ['a zero byte in the command', { command: ['a\0b'] }],
  ['a zero byte in a value, which would become an argument of bwrap', { environment: { A: 'x\0--bind\0/\0/mnt' } }],
  ['a name with =', { environment: { 'A=B': '' } }],
  ['an empty name', { environment: { '': '' } }],
  ['too many variables', { environment: Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`V${n}`, ''])) }],
  ['no processor', { limits: { ...good.limits, cpus: 0 } }],
  ['half a process', { limits: { ...good.limits, processes: 1.5 } }],
  ['no memory', { limits: { ...good.limits, memoryBytes: Number.NaN } }],
  ...[
    '/',
    '/opt',
    '/opt/',
    '/opt/../usr',
    '/opt//a',
    '/workspace/a',
    '/home/claude/.ssh',
    '/run/x',
    '/proc/x',
    'opt/a',
    '/opt/a/',
  ].map((target): [string, Partial<PlaceSpec>] => [
    `a mount at ${target}`,
    { readOnlyMounts: [{ source: '/a', target }] },
  ]),
  ['a relative source', { readOnlyMounts: [{ source: 'a', target: '/opt/a' }] }],
];

it.each(bad)('refuses %s', (_, change) => {
  expect(() => checkSpec({ ...good, ...change })).toThrow(expect.objectContaining({ code: 'bad_spec' }));
});

it('writes the environment so that no value is read as an option', () => {
  const args = environmentArguments({ A: '--bind', B: '' }).split('\0');
  expect(args).toEqual(['--clearenv', '--setenv', 'A', '--bind', '--setenv', 'B', '', '']);
});

it('reads the identity card of a command line, and nothing else', () => {
  const card = ['bwrap', '--symlink', 's/p', '/run/remote-claude/place', '--'];
  expect(readIdentityCard(card)).toEqual({ sessionId: 's', placeId: 'p' });
  expect(readIdentityCard(['bwrap', '--dir', 's/p', '/run/remote-claude/place'])).toBeNull();
  expect(readIdentityCard(['bwrap', '--symlink', 's/p/q', '/run/remote-claude/place'])).toBeNull();
  expect(readIdentityCard(['/run/remote-claude/place'])).toBeNull();
  expect(readIdentityCard([])).toBeNull();
});
