import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { limitWarning } from './probe.js';
import { tryUserScope } from './user-scope.js';

it('says in one sentence what nothing limits', () => {
  const all = { memory: true, processes: true, cpu: true };
  expect(limitWarning(all, 'why.')).toEqual([]);
  expect(limitWarning({ ...all, cpu: false }, 'why.')).toEqual([
    'Nothing limits the processor time of a session here: why.',
  ]);
  expect(limitWarning({ memory: false, processes: false, cpu: false }, 'why.')).toEqual([
    'Nothing limits the memory, number of processes and processor time of a session here: why.',
  ]);
});

/** A folder with a program that is found as `systemd-run`. */
const pathWith = (program: string): Record<string, string> => {
  const folder = mkdtempSync(join(tmpdir(), 'rc-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'systemd-run'), `#!/bin/sh\n${program}\n`);
  chmodSync(join(folder, 'systemd-run'), 0o755);
  return { PATH: `${folder}:/usr/bin:/bin` };
};

it('does not believe a systemd that starts what it is asked to and limits nothing', async () => {
  // As one whose user was given one controller of three: what the scope's own files say is believed.
  const env = pathWith("printf 'memory.max=67108864\\npids.max=max\\ncpu.max=\\n'");
  expect(await tryUserScope(env)).toEqual({ memory: true, processes: false, cpu: false });
});

it('knows a user without a systemd that answers', async () => {
  expect(await tryUserScope(pathWith('echo "Failed to connect to bus" >&2; exit 1'))).toBeNull();
  expect(await tryUserScope({ PATH: '/nonexistent' })).toBeNull();
});
