import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { createFiles, type Files } from '../files/index.js';
import { createExecute, type Execute, type ExecuteOutput } from './index.js';

let base = '';
let files: Files;
let execute: Execute;

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'execute-')));
  await mkdir(join(base, 'tree/sub'), { recursive: true });
  files = await createFiles({ workspace: join(base, 'tree'), stateDir: join(base, 'state'), log: () => {} });
  execute = createExecute({
    tree: files.tree,
    env: { PATH: '/usr/bin:/bin', BASE: 'one' },
    log: () => {},
    killAfterMs: 300,
  });
});
afterEach(async () => {
  await execute.close();
  await files.close();
  await rm(base, { recursive: true, force: true });
});

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('runs with the given environment and folder, and nothing else', async () => {
  const result = await execute.run({
    command: 'pwd; echo $BASE $MORE; echo err >&2; env | cut -d= -f1 | sort | tr "\\n" " "; exit 7',
    workingDirectory: 'sub',
    env: { MORE: 'two' },
  });
  expect(result).toMatchObject({ stderr: 'err\n', exitCode: 7, timedOut: false, truncated: false });
  expect(result.stdout.split('\n').slice(0, 2)).toEqual([join(base, 'tree/sub'), 'one two']);
  expect(
    result.stdout
      .split('\n')[2]
      ?.trim()
      .split(' ')
      .filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name)),
  ).toEqual(['BASE', 'MORE', 'PATH']);
  await expect(execute.run({ command: 'true', workingDirectory: 'none' })).rejects.toMatchObject({ code: 'not_found' });
  await symlink('/etc', join(base, 'tree/out'));
  await expect(execute.run({ command: 'true', workingDirectory: 'out' })).rejects.toMatchObject({
    code: 'path_refused',
  });
});

test('output is capped, each channel by itself, and a cut character is left out', async () => {
  const result = await execute.run({
    command:
      'head -c 1048575 /dev/zero | tr "\\0" a; printf "üx"; head -c 3000000 /dev/zero | tr "\\0" b; echo small >&2',
  });
  expect(result).toMatchObject({ truncated: true, stderr: 'small\n', exitCode: 0 });
  expect(result.stdout.length).toBe(1_048_575);
  expect(result.stdout.endsWith('a')).toBe(true);
});

test('the time limit ends the whole group, by force where needed', async () => {
  const result = await execute.run({
    command: 'trap "" TERM; sleep 100 & echo $!; echo $$; while :; do sleep 0.05; done',
    timeoutMs: 400,
  });
  expect(result).toMatchObject({ timedOut: true, exitCode: null });
  const pids = result.stdout.trim().split('\n').map(Number);
  expect(pids).toHaveLength(2);
  await vi.waitFor(() => expect(pids.filter(alive)).toEqual([]), { timeout: 10_000 });
});

test('whoever goes away ends the command; a background process does not hold the answer', async () => {
  const gone = new AbortController();
  const output: ExecuteOutput[] = [];
  const running = execute.run(
    { command: 'echo $$; sleep 100' },
    { signal: gone.signal, onOutput: (one) => output.push(one) },
  );
  await vi.waitFor(() => expect(output).toHaveLength(1), { timeout: 10_000 });
  expect(execute.idleMs()).toBe(0);
  gone.abort();
  await expect(running).rejects.toMatchObject({ code: 'client_closed' });
  await vi.waitFor(() => expect(alive(Number(output[0]?.data))).toBe(false), { timeout: 10_000 });
  const before = performance.now();
  const result = await execute.run({ command: 'sleep 8 & echo started' });
  expect(result).toMatchObject({ stdout: 'started\n', exitCode: 0 });
  expect(performance.now() - before).toBeLessThan(6_000);
});

test('output is told live, in order, by place in the text', async () => {
  const output: ExecuteOutput[] = [];
  const stop = execute.subscribe((one) => output.push(one));
  const result = await execute.run({ command: 'for i in 1 2 3; do echo "zeile ü $i"; sleep 0.05; done; echo bad >&2' });
  stop();
  const text = output.filter((one) => one.channel === 'stdout');
  expect(text.map((one) => one.data).join('')).toBe(result.stdout);
  let offset = 0;
  for (const one of text) {
    expect(one.offset).toBe(offset);
    offset += one.data.length;
  }
  expect(output.find((one) => one.channel === 'stderr')).toMatchObject({ offset: 0, data: 'bad\n' });
});
