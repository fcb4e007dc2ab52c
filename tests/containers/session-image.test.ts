// The session's image as it is built from deploy/docker: what is in it, who one is there, and what is not there, under each
// runtime.

import { providedEngine } from '@remote-claude/compute/testing';
import { describe, expect, it } from 'vitest';

import { docker, runOnce } from '../support/container.js';

const { sessionImage, runtimes } = providedEngine();

/** What this gVisor makes of the engine's default profile refuses new threads: its own kernel is what isolates there. */
const optionsOf = (runtime: string): string[] => [
  `--runtime=${runtime}`,
  ...(runtime === 'runsc' ? ['--security-opt=seccomp=unconfined'] : []),
];

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe.each(runtimes)('the session image under %s', (runtime) => {
  const inside = async (script: string, options: readonly string[] = []): Promise<string[]> => {
    const { code, stdout, stderr } = await runOnce(sessionImage, script, [...optionsOf(runtime), ...options]);
    expect(code, stderr).toBe(0);
    return linesOf(stdout);
  };

  it('is that runtime', async () => {
    const [first = ''] = await inside('dmesg 2>/dev/null | head -n 1; echo');
    expect(first.includes('gVisor')).toBe(runtime === 'runsc');
  });

  it('one is claude, who owns the home, the work tree and the folder of the agent, and nothing else', async () => {
    const [who, groups, ...owned] = await inside(
      'id -un; id -G; pwd; for f in "$HOME" /workspace /var/lib/remote-claude; do stat -c "%n %u:%g" "$f"; done',
      ['--read-only', '--tmpfs=/tmp'],
    );
    expect([who, groups]).toEqual(['claude', '1000']);
    expect(owned).toEqual([
      '/workspace',
      '/home/claude 1000:1000',
      '/workspace 1000:1000',
      '/var/lib/remote-claude 1000:1000',
    ]);
    const others = await inside(
      'find / -xdev -user 1000 -not -path "/proc/*" -not -path "/dev/*" | grep -vE "^/(workspace|home/claude|var/lib/remote-claude)(/|$)"; :',
    );
    expect(others).toEqual([]);
  });

  it('every tool of the list works with a read-only root', async () => {
    const tools = {
      bash: 'bash --version',
      curl: 'curl --version',
      gcc: 'gcc --version',
      git: 'git --version',
      jq: 'jq --version',
      less: 'less --version',
      make: 'make --version',
      nano: 'nano --version',
      node: 'node --version',
      npm: 'npm --version',
      pip: 'pip --version',
      ps: 'ps --version',
      python3: 'python3 --version',
      rg: 'rg --version',
      ssh: 'ssh -V',
      unzip: 'unzip -v',
      venv: 'python3 -m venv /tmp/venv && /tmp/venv/bin/python -c "print(1)"',
      vi: 'vi --version',
      wget: 'wget --version',
    };
    const script = Object.entries(tools).map(
      ([name, command]) =>
        `(${command}) >/tmp/said 2>&1 && echo "${name} $(head -n 1 /tmp/said)" || echo "${name} FAILED $(cat /tmp/said)"`,
    );
    const said = await inside(script.join('\n'), ['--read-only', '--tmpfs=/tmp:exec']);
    print(said.join('\n'));
    expect(said.filter((line) => line.includes('FAILED'))).toEqual([]);
    expect(said).toHaveLength(Object.keys(tools).length);
    expect(Number(/^node v(\d+)/m.exec(said.join('\n'))?.[1])).toBeGreaterThanOrEqual(22);
  });

  it('compiles and runs a program', async () => {
    const said = await inside(
      'cd /tmp && printf \'#include <stdio.h>\nint main(void) { puts("built"); return 0; }\n\' >a.c && cc -o a a.c && ./a',
      ['--read-only', '--tmpfs=/tmp:exec'],
    );
    expect(said).toEqual(['built']);
  });

  it('certificates of the web are there', async () => {
    const [count] = await inside('grep -c "BEGIN CERTIFICATE" /etc/ssl/certs/ca-certificates.crt');
    expect(Number(count)).toBeGreaterThan(50);
  });

  it('its monitor says how the place is', async () => {
    const limits = ['--memory=512m', '--cpus=1.5', '--pids-limit=100', '--read-only', '--tmpfs=/tmp'];
    const busy = 'while :; do :; done & session-monitor.sh --sample-ms 1000; kill $!';
    const said = JSON.parse((await inside(busy, limits)).join('')) as {
      cpu: { usedPercent: number; limit: number };
      memory: { usedBytes: number; limitBytes: number };
      disks: { totalBytes: number }[];
      processes: { limit: number; largest: { name: string }[] };
    };
    expect(said.cpu.usedPercent).toBeGreaterThan(1);
    expect(said.memory.usedBytes).toBeGreaterThan(0);
    expect(said.disks.every(({ totalBytes }) => totalBytes > 0)).toBe(true);
    expect(said.processes.largest.map(({ name }) => name)).toContain('sh');
    // gVisor shows no control groups to what runs in it.
    if (runtime === 'runc')
      expect([said.cpu.limit, said.memory.limitBytes, said.processes.limit]).toEqual([1.5, 512 * 2 ** 20, 100]);
  });

  it('its preparation clones and sets up with a read-only root, as the user that it is', async () => {
    const script = [
      'cd /tmp && git init --quiet --initial-branch=main source && cd source && echo hello >readme.md && git add .',
      'git -c user.name=t -c user.email=t@localhost commit --quiet -m first',
      'echo "id -un >/home/claude/who" >/tmp/setup.sh',
      'export SESSION_GIT_URL=file:///tmp/source SESSION_GIT_PROTOCOLS=file SESSION_SETUP_FILE=/tmp/setup.sh',
      'session-init.sh 2>/dev/null && cat /workspace/readme.md /home/claude/who && git -C /workspace status --short',
    ];
    const volumes = ['/workspace', '/home/claude', '/var/lib/remote-claude'].map((path) => `--volume=${path}`);
    const said = await inside(script.join('\n'), ['--read-only', '--tmpfs=/tmp:exec', ...volumes]);
    expect(
      said.filter((line) => line.startsWith('init ')).map((line) => line.split(' ').slice(1, 3).join(' ')),
    ).toEqual(['folders done', 'clone running', 'clone done', 'setup running', 'setup done']);
    expect(said.slice(-2)).toEqual(['hello', 'claude']);
  });
});

describe('the session image as files', () => {
  const asRoot = async (script: string): Promise<string[]> => {
    const { code, stdout, stderr } = await runOnce(sessionImage, script, ['--user=0:0', '--cap-add=DAC_READ_SEARCH']);
    expect(code, stderr).toBe(0);
    return linesOf(stdout);
  };

  it('no program makes one another user', async () => {
    expect(await asRoot('find / -xdev -type f -perm /6000')).toEqual([]);
  });

  it('there is one home, a closed one for root, and no folder of the boot', async () => {
    expect(await asRoot('ls -A /home; stat -c "%a" /root; ls -d /boot 2>/dev/null; :')).toEqual(['claude', '700']);
  });

  it('no lists and archives of packages are left', async () => {
    expect(await asRoot('find /var/lib/apt/lists /var/cache/apt -type f -size +0')).toEqual([]);
  });

  it('sets no variable but PATH, runs as a number, and is of a bearable size', async () => {
    const { stdout } = await docker(['image', 'inspect', sessionImage]);
    const [{ Config, Size }] = JSON.parse(stdout) as [{ Config: { Env: string[]; User: string }; Size: number }];
    print(`the session image has ${(Size / 2 ** 20).toFixed(0)} MiB`);
    expect(Config.Env.map((entry) => entry.split('=')[0])).toEqual(['PATH']);
    expect(Config.User).toBe('1000:1000');
    expect(Size).toBeLessThan(1000 * 2 ** 20);
  });
});
