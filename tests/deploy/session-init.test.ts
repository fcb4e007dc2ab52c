// What prepares a session's place (deploy/docker/session-init.sh), run for real in temporary folders with a real git: what it
// does once, what it refuses, and what is left where it is ended in the middle.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { builtEnv } from '../support/config.js';
import { until } from '../support/wait.js';

const script = fileURLToPath(new URL('../../deploy/docker/session-init.sh', import.meta.url));
const quickMs = 60_000;

interface Ended {
  code: number | null;
  /** The states of the steps, in their order. */
  steps: string[];
  stdout: string;
  stderr: string;
}

let folder: string;
let repository: string;
/** A new one for each test. */
let place: string;
const inPlace = (name: string): string => join(place, name);
const inTree = (): Promise<string[]> => readdir(inPlace('work')).then((names) => names.toSorted());

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], {
    cwd,
    env: { ...builtEnv(), HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const start = (env: Record<string, string>) => {
  const child = spawn('bash', [script], {
    env: {
      ...builtEnv(),
      HOME: inPlace('home'),
      SESSION_WORKSPACE: inPlace('work'),
      SESSION_STATE: inPlace('state'),
      SESSION_GIT_PROTOCOLS: 'https:http:ssh:file',
      SESSION_GIT_TRIES: '1',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  const ended = once(child, 'close').then(([code]): Ended => {
    const steps = [...stdout.matchAll(/^init (\S+ \S+) \S/gm)].map(([, step = '']) => step);
    return { code: code as number | null, steps, stdout, stderr };
  });
  return { child, ended, said: () => stdout + stderr };
};
const run = (env: Record<string, string> = {}): Promise<Ended> => start(env).ended;

const setupFile = async (text: string): Promise<string> => {
  const path = inPlace('setup.sh');
  await writeFile(path, text);
  return path;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-init-'));
  const source = join(folder, 'source');
  await mkdir(source);
  git(source, 'init', '--quiet', '--initial-branch=main');
  await writeFile(join(source, 'readme.md'), 'main\n');
  await writeFile(join(source, '.hidden'), 'dot\n');
  await writeFile(join(source, 'prepare.sh'), 'echo prepared >prepared.txt\n');
  git(source, 'add', '.');
  git(source, 'commit', '--quiet', '-m', 'first');
  git(source, 'switch', '--quiet', '-c', 'feature/one');
  await writeFile(join(source, 'readme.md'), 'feature\n');
  git(source, 'commit', '--quiet', '-am', 'second');
  git(source, 'switch', '--quiet', 'main');
  repository = `file://${source}`;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  place = await mkdtemp(join(folder, 'place-'));
});

describe('a fresh place', () => {
  it('without anything to do gets its folders', async () => {
    const { code, steps } = await run();
    expect([code, steps]).toEqual([0, ['folders done', 'clone skipped', 'setup skipped']]);
    expect((await readdir(place)).toSorted()).toEqual(['home', 'state', 'work']);
  });

  it('gets its repository and its set-up once', async () => {
    const env = { SESSION_GIT_URL: repository, SESSION_SETUP_FILE: await setupFile('pwd; echo ran >>"$HOME/runs"\n') };
    const first = await run(env);
    expect(first.code, first.stderr).toBe(0);
    expect(first.steps).toEqual(['folders done', 'clone running', 'clone done', 'setup running', 'setup done']);
    expect(await inTree()).toEqual(['.git', '.hidden', 'prepare.sh', 'readme.md']);
    expect(await readFile(join(inPlace('state'), 'setup.log'), 'utf8')).toBe(`${inPlace('work')}\n`);

    const second = await run(env);
    expect([second.code, second.steps]).toEqual([0, ['folders done', 'clone skipped', 'setup skipped']]);
    expect(await readFile(join(inPlace('home'), 'runs'), 'utf8')).toBe('ran\n');

    await setupFile('echo ran again >>"$HOME/runs"\n');
    expect((await run(env)).steps).toEqual(['folders done', 'clone skipped', 'setup running', 'setup done']);
    expect(await readFile(join(inPlace('home'), 'runs'), 'utf8')).toBe('ran\nran again\n');
  });

  it('begins with the branch that is named', async () => {
    const { code } = await run({ SESSION_GIT_URL: repository, SESSION_GIT_BRANCH: 'feature/one' });
    expect(code).toBe(0);
    expect(await readFile(join(inPlace('work'), 'readme.md'), 'utf8')).toBe('feature\n');
    expect(git(inPlace('work'), 'branch', '--show-current')).toBe('feature/one\n');
  });

  it('keeps what is in its work tree', async () => {
    await mkdir(inPlace('work'));
    await writeFile(join(inPlace('work'), 'mine.txt'), 'mine');
    const { code, steps } = await run({ SESSION_GIT_URL: repository });
    expect([code, steps[1]]).toEqual([0, 'clone skipped']);
    expect(await inTree()).toEqual(['mine.txt']);
  });

  it('runs no hook while it clones', async () => {
    const hooks = inPlace('template/hooks');
    await mkdir(hooks, { recursive: true });
    await mkdir(inPlace('home'));
    await writeFile(join(hooks, 'post-checkout'), `#!/bin/sh\ntouch ${inPlace('hooked')}\n`);
    await chmod(join(hooks, 'post-checkout'), 0o755);
    await writeFile(
      join(inPlace('home'), '.gitconfig'),
      `[init]\n\ttemplateDir = ${inPlace('template')}\n[core]\n\thooksPath = ${hooks}\n`,
    );
    const { code, stderr } = await run({ SESSION_GIT_URL: repository });
    expect(code, stderr).toBe(0);
    expect(existsSync(inPlace('hooked'))).toBe(false);
  });
});

describe('what is refused', () => {
  const refused: [string, Record<string, string>][] = [
    ['an address that is an option', { SESSION_GIT_URL: '--upload-pack=touch hacked' }],
    ['a command as transport', { SESSION_GIT_URL: 'ext::sh -c touch% hacked' }],
    ['a command as transport with slashes', { SESSION_GIT_URL: 'ext::sh://x' }],
    [
      'a file, where files are not allowed',
      { SESSION_GIT_URL: 'file:///etc', SESSION_GIT_PROTOCOLS: 'https:http:ssh' },
    ],
    ['a path', { SESSION_GIT_URL: '/etc' }],
    ['a space', { SESSION_GIT_URL: 'https://localhost/a b' }],
    ['a new line', { SESSION_GIT_URL: 'https://localhost/a\n--upload-pack=x' }],
    ['an option as host of ssh', { SESSION_GIT_URL: 'ssh://-oProxyCommand=touch%20hacked/x' }],
    ['an option as host behind a user', { SESSION_GIT_URL: 'ssh://git@-oProxyCommand=touch/x' }],
    ['an option as host in short', { SESSION_GIT_URL: 'git@-oProxyCommand=touch:x' }],
    ['an option as path in short', { SESSION_GIT_URL: 'git@localhost:-x' }],
    ['a branch that is an option', { SESSION_GIT_URL: 'https://localhost/x', SESSION_GIT_BRANCH: '--upload-pack=x' }],
    ['a branch with two dots', { SESSION_GIT_URL: 'https://localhost/x', SESSION_GIT_BRANCH: 'a..b' }],
    ['a branch with a space', { SESSION_GIT_URL: 'https://localhost/x', SESSION_GIT_BRANCH: 'a b' }],
    ['a branch of nothing', { SESSION_GIT_BRANCH: 'main' }],
    ['a set-up file by a relative path', { SESSION_SETUP_FILE: 'setup.sh' }],
    ['a time that is an expression', { SESSION_SETUP_SECONDS: 'a[$(touch hacked)]' }],
    ['a number of tries that is none', { SESSION_GIT_TRIES: '0' }],
    ['a work tree by a relative path', { SESSION_WORKSPACE: '-rf' }],
  ];

  it.each(refused)('%s', async (_what, env) => {
    const { code, stdout, stderr } = await run(env);
    expect(code, stdout + stderr).toBe(2);
    expect(stdout).toMatch(/^init \S+ failed \S/m);
    // Before anything is made.
    expect(await readdir(place)).toEqual([]);
  });

  it('a set-up script of the repository, until somebody trusts it', async () => {
    const env = { SESSION_GIT_URL: repository, SESSION_SETUP_FILE: join(inPlace('work'), 'prepare.sh') };
    const untrusted = await run(env);
    expect([untrusted.code, untrusted.steps.at(-1)]).toEqual([0, 'setup skipped']);
    expect(await inTree()).not.toContain('prepared.txt');

    const trusted = await run({ ...env, SESSION_TRUST: 'yes' });
    expect([trusted.code, trusted.steps.at(-1)]).toEqual([0, 'setup done']);
    expect(await inTree()).toContain('prepared.txt');
  });

  it('a second one at the same time', async () => {
    const setup = await setupFile('touch "$HOME/began"; while [ ! -e "$HOME/go" ]; do sleep 0.1; done\n');
    const first = start({ SESSION_SETUP_FILE: setup });
    await until(() => existsSync(join(inPlace('home'), 'began')), { timeoutMs: quickMs, what: first.said });
    expect((await run()).code).toBe(6);
    await writeFile(join(inPlace('home'), 'go'), '');
    expect((await first.ended).code).toBe(0);
  });
});

describe('what fails', () => {
  it('a branch that is not there leaves the work tree empty, and the next start tries again', async () => {
    const missing = await run({ SESSION_GIT_URL: repository, SESSION_GIT_BRANCH: 'nobody' });
    expect([missing.code, missing.steps.at(-1)]).toEqual([3, 'clone failed']);
    expect(await inTree()).toEqual([]);
    expect((await run({ SESSION_GIT_URL: repository })).code).toBe(0);
    expect(await inTree()).toContain('readme.md');
  });

  it('a clone is tried as often as is said, and no password is shown', async () => {
    const url = 'http://ada:not-to-be-shown@127.0.0.1:1/x.git';
    const { code, stdout, stderr } = await run({ SESSION_GIT_URL: url, SESSION_GIT_TRIES: '2' });
    expect(code).toBe(3);
    expect(stdout).toContain('http://127.0.0.1:1/x.git, try 2 of 2');
    expect(stdout + stderr).not.toContain('not-to-be-shown');
  });

  it('a set-up script that fails is told with its code, and runs again', async () => {
    const env = { SESSION_SETUP_FILE: await setupFile('echo once >>"$HOME/runs"; exit 7\n') };
    const failed = await run(env);
    expect([failed.code, failed.steps.at(-1)]).toEqual([4, 'setup failed']);
    expect(failed.stdout).toContain('code 7');
    await run(env);
    expect(await readFile(join(inPlace('home'), 'runs'), 'utf8')).toBe('once\nonce\n');
  });

  it('a set-up script that hangs is ended with all that it started', async () => {
    const setup = await setupFile('sleep 86400.0077 & echo $! >"$HOME/pid"; wait\n');
    const { code, stdout } = await run({ SESSION_SETUP_FILE: setup, SESSION_SETUP_SECONDS: '1' });
    expect(code).toBe(4);
    expect(stdout).toContain('ended after 1 s');
    const pid = (await readFile(join(inPlace('home'), 'pid'), 'utf8')).trim();
    await until(() => !existsSync(`/proc/${pid}`), { timeoutMs: quickMs, what: `process ${pid} to be gone` });
  });

  it('a signal ends what runs, and the next start goes on', async () => {
    const setup = await setupFile('[ -e "$HOME/again" ] && exit 0; touch "$HOME/began"; sleep 86400.0078\n');
    const first = start({ SESSION_SETUP_FILE: setup });
    await until(() => existsSync(join(inPlace('home'), 'began')), { timeoutMs: quickMs, what: first.said });
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(143);
    await writeFile(join(inPlace('home'), 'again'), '');
    expect((await run({ SESSION_SETUP_FILE: setup })).steps.at(-1)).toBe('setup done');
  });

  it('a folder that cannot be had is named', async () => {
    await writeFile(inPlace('work'), 'a file');
    const { code, stdout } = await run();
    expect(code).toBe(5);
    expect(stdout).toContain(inPlace('work'));
  });
});

describe('a clone that was ended in the middle', () => {
  it('is begun anew where it was not whole', async () => {
    await mkdir(inPlace('work/.session-init/tree'), { recursive: true });
    await writeFile(inPlace('work/.session-init/tree/half.txt'), 'half');
    expect((await run({ SESSION_GIT_URL: repository })).code).toBe(0);
    expect(await inTree()).toEqual(['.git', '.hidden', 'prepare.sh', 'readme.md']);
  });

  it('is put in its place where it was whole, even by a start that names no repository', async () => {
    git(folder, 'clone', '--quiet', repository, inPlace('work/.session-init/tree'));
    await writeFile(inPlace('work/.session-init/whole'), '');
    // One entry had been moved already.
    await writeFile(inPlace('work/.hidden'), 'dot\n');
    await rm(inPlace('work/.session-init/tree/.hidden'));
    const { code, steps } = await run();
    expect([code, steps[1]]).toEqual([0, 'clone done']);
    expect(await inTree()).toEqual(['.git', '.hidden', 'prepare.sh', 'readme.md']);
    expect(git(inPlace('work'), 'status', '--porcelain')).toBe('');
  });
});
