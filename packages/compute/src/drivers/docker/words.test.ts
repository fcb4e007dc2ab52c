import { expect, it } from 'vitest';
import { lackOf } from './no-room.js';
import { gvisorProfile, profileProblem } from './seccomp.js';

it.each([
  ['error creating overlay mount: write /var/lib/docker/x: no space left on device', 'its disk is full'],
  ['mkdir /var/lib/docker/volumes/x: disk quota exceeded', 'its disk is full'],
  ['runc create failed: unable to start: fork/exec /proc/self/exe: cannot allocate memory', 'its memory is used up'],
  ['runtime: failed to create new OS thread (have 2 already; errno=11)', 'it can have no more processes'],
  ['fork/exec: resource temporarily unavailable', 'it can have no more processes'],
  ['accept4: too many open files', 'it can open no more files'],
  ['no available IPv4 addresses on this network’s address pools', 'its addresses are used up'],
  ['could not find an available, non-overlapping IPv4 address pool', 'its addresses are used up'],
  ['OCI runtime create failed: exec format error', null],
  ['No such image: x', null],
])('what an engine says tells whether it has no room: %s', (words, lack) => {
  expect(lackOf(words)).toBe(lack);
});

it.each([
  ['{', 'is no JSON'],
  ['unconfined', 'is no JSON'],
  ['null', 'is no JSON'],
  ['{"syscalls":[]}', 'has no defaultAction'],
  ['{"defaultAction":"SCMP_ACT_ALLOW"}', 'refuses nothing'],
  ['{"defaultAction":"SCMP_ACT_LOG","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}', 'refuses nothing'],
])('a seccomp profile that is none is refused with words: %s', (text, words) => {
  expect(profileProblem(text)).toContain(words);
});

it('a seccomp profile that refuses something is taken', () => {
  expect(profileProblem(gvisorProfile)).toBeNull();
  expect(profileProblem('{"defaultAction":"SCMP_ACT_ERRNO"}')).toBeNull();
});
