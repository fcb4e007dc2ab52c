/** What this driver's places hold back beyond the general contract, and what its preparations say when they cannot be made. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId, specFor, startProbe, untilStatus } from '../../testing/conformance-steps.js';
import { createProcessDriver } from './driver.js';
import { fromHandle } from './place-record.js';
import { namedSyscalls } from './seccomp/syscalls.js';
import { sessionPaths } from './session-paths.js';
import { makeProcessHarness, systemPath } from '../../testing/process/harness.js';
import type { ProcessHarness } from '../../testing/process/harness.js';

let harness: ProcessHarness;

beforeEach(async () => {
  harness = await makeProcessHarness('bubblewrap');
});
afterEach(() => harness.close());

const logOf = (sessionId: string) =>
  readFileSync(join(sessionPaths(harness.options, sessionId).log, 'place.log'), 'utf8');

describe('inside a bubblewrap place', () => {
  it('every refused system call is refused', async () => {
    const column = process.arch === 'arm64' ? 1 : 0;
    const plain = Object.entries(namedSyscalls()).flatMap(([name, numbers]) => {
      const number = numbers[column];
      return number === null || /^(clone|unshare|ioctl|personality|socket|socketpair)$/.test(name)
        ? []
        : [[name, number, 0, 0]];
    });
    const number = (name: string) => namedSyscalls()[name]?.[column] ?? -1;
    const calls = [
      ...plain,
      ['namespace by clone', number('clone'), 0x10000000 | 17, 0],
      ['namespace by unshare', number('unshare'), 0x10000000, 0],
      ['typing into a terminal', number('ioctl'), 0, 0x5412],
      ['vsock', number('socket'), 40, 1],
      ['packet', number('socket'), 17, 3],
      ['odd personality', number('personality'), 0x0400000, 0],
      ['ordinary', column === 0 ? 39 : 172, 0, 0],
    ];
    // Perl is on every Debian and can make any system call.
    const program =
      'while (@ARGV) { my ($name, $number, $a, $b) = splice(@ARGV, 0, 4); $! = 0; my $r = syscall($number + 0, $a + 0, $b + 0, 0, 0, 0); print $name, "=", ($r == -1 ? $! + 0 : 0), "\\n" }';
    const spec = specFor(harness, { command: ['/usr/bin/perl', '-e', program, ...calls.flat().map(String)] });
    await untilStatus(harness.driver, (await harness.driver.start(spec)).handle, 'stopped');
    const answers = Object.fromEntries(
      logOf(spec.sessionId)
        .trim()
        .split('\n')
        .map((line) => line.split('=')),
    );
    const { ordinary, vsock, packet, ...rest } = answers as Record<string, string>;
    const personality = rest['odd personality'];
    delete rest['odd personality'];
    expect({ ordinary, vsock, packet, personality }).toEqual({
      ordinary: '0',
      vsock: '97',
      packet: '97',
      personality: '22',
    });
    for (const name of ['clone3', 'io_uring_setup', 'io_uring_enter', 'io_uring_register']) {
      expect(rest[name], name).toBe('38');
      delete rest[name];
    }
    expect(Object.keys(rest).length).toBeGreaterThan(45);
    for (const [name, answer] of Object.entries(rest)) expect(`${name} ${answer}`).toBe(`${name} 1`);
  });

  it('the environment reaches the command alone: not the helpers, of which some are root', async () => {
    const secret = newId('secret');
    const environment = { ...harness.base.environment, LD_PRELOAD: '/workspace/evil.so', SECRET: secret };
    const spec = specFor(harness, { environment, command: ['/bin/sh', '-c', 'echo "$SECRET"; exec sleep 100000'] });
    const { handle } = await harness.driver.start(spec);
    const { monitor, init } = fromHandle(handle);
    for (const { pid } of [monitor, init]) {
      const seen = readFileSync(`/proc/${pid}/environ`, 'utf8') + readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      expect(seen).not.toContain(secret);
      expect(seen).not.toContain('LD_PRELOAD');
    }
    await expect.poll(() => logOf(spec.sessionId), { timeout: 10_000 }).toContain(secret);
  });

  it.skipIf(process.getuid?.() !== 0)('the log cannot be opened anew from inside', async () => {
    const place = await startProbe(harness);
    const reopen = `
      try { require('node:fs').openSync('/proc/self/fd/1', 'r+'); return 'opened'; } catch (error) { return error.code; }`;
    expect(await place.ask(reopen)).toBe('EACCES');
  });

  it('each session has a uid of its own on the host, freed with it', async () => {
    const [one, other] = [specFor(harness), specFor(harness)];
    const places = [await harness.driver.start(one), await harness.driver.start(other)];
    const uids = places.map(({ handle }) => fromHandle(handle).uid);
    const owners = [one, other].map(
      ({ sessionId }) => statSync(sessionPaths(harness.options, sessionId).workspace).uid,
    );
    expect(owners).toEqual(uids);
    if (process.getuid?.() !== 0) return;
    expect(new Set(uids).size).toBe(2);
    for (const [index, { handle }] of places.entries()) {
      expect(statSync(`/proc/${fromHandle(handle).init.pid}`).uid).toBe(uids[index]);
      expect(places[index]?.agent).toMatchObject({ ownerUid: uids[index] });
    }
    await harness.driver.destroy(one.sessionId);
    const next = await harness.driver.start(specFor(harness));
    expect(fromHandle(next.handle).uid).toBe(uids[0]);
  });

  const claude = fileURLToPath(
    new URL('../../../../../node_modules/@anthropic-ai/claude-agent-sdk-linux-x64', import.meta.url),
  );
  it.skipIf(!existsSync(claude))('the real Claude Code starts', async () => {
    const spec = specFor(harness, {
      command: ['/opt/claude/claude', '--version'],
      readOnlyMounts: [{ source: claude, target: '/opt/claude' }],
    });
    await untilStatus(harness.driver, (await harness.driver.start(spec)).handle, 'stopped');
    expect(logOf(spec.sessionId)).toMatch(/Claude Code/);
  });
});

describe('a disk that resists', () => {
  it('is removed with paths too long for the kernel, closed folders and links, and takes nothing else with it', async () => {
    const spec = specFor(harness);
    const { handle } = await harness.driver.start(spec);
    await harness.driver.stop(handle, { graceMs: 0 });
    const { workspace } = sessionPaths(harness.options, spec.sessionId);
    const outside = join(harness.folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'x');
    const deep = 'for my $n (1 .. 60) { my $d = "d" x 200; mkdir $d; chdir $d } ';
    execFileSync('perl', [
      '-e',
      `chdir $ARGV[0]; symlink $ARGV[1], "link"; mkdir "closed"; mkdir "closed/in"; ${deep}`,
      workspace,
      outside,
    ]);
    chmodSync(join(workspace, 'closed'), 0);
    await harness.driver.destroy(spec.sessionId);
    expect(readdirSync(join(harness.options.dataDir, 'sessions'))).toEqual([]);
    expect(readdirSync(join(harness.options.dataDir, 'driver', 'trash'))).toEqual([]);
    expect(existsSync(join(outside, 'file'))).toBe(true);
  });
});

describe('a socket folder that resists', () => {
  it('does not keep a place from being stopped and started again', async () => {
    const place = await startProbe(harness);
    const deep = 'for my $n (1 .. 60) { my $d = "d" x 200; mkdir $d; chdir $d }';
    const fill = `chdir "/run/remote-claude/agent"; ${deep}`;
    await place.ask(`require('node:child_process').execFileSync('perl', ['-e', ${JSON.stringify(fill)}])`);
    await harness.driver.stop(place.handle, { graceMs: 5_000 });
    expect(readdirSync(harness.options.runDir)).toEqual([]);
    const again = await startProbe(harness, { sessionId: place.spec.sessionId });
    expect(await again.ask('return 1')).toBe(1);
  });
});

describe('preparations that cannot be made', () => {
  const problemsOf = async (change: Partial<typeof harness.options>) => {
    const driver = createProcessDriver({ ...harness.options, ...change });
    const { ready, problems } = await driver.probe();
    expect(ready).toBe(false);
    await expect(driver.start(specFor(harness))).rejects.toMatchObject({ code: 'not_ready' });
    await driver.close();
    return problems.map(({ what, mend }) => `${what} ${mend}`).join('\n');
  };

  it('a run folder that is too long for sockets', async () => {
    expect(await problemsOf({ runDir: join(harness.folder, 'x'.repeat(80)) })).toMatch(
      /too long for unix sockets.*may have 79/,
    );
  });

  it('bubblewrap that is not installed', async () => {
    expect(await problemsOf({ bwrapPath: '/nonexistent/bwrap' })).toMatch(/apt-get install bubblewrap/);
  });

  it.skipIf(process.getuid?.() !== 0)('a data folder below one that only root may enter', async () => {
    const closed = join(harness.folder, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    expect(await problemsOf({ dataDir: join(closed, 'data') })).toMatch(/Only root may enter .*\/closed,/);
  });

  it('a command that does not exist fails the start, and leaves nothing', async () => {
    const spec = specFor(harness, { command: ['/nonexistent/agent'], environment: { PATH: systemPath } });
    await expect(harness.driver.start(spec)).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining('/nonexistent/agent') as string,
    });
    expect(await harness.driver.list()).toEqual([]);
    expect((await harness.driver.start({ ...spec, command: harness.commands.idle })).handle).toBeTruthy();
  });

  it('a mount whose source is missing fails the start with what bubblewrap said, and leaves nothing', async () => {
    const spec = specFor(harness, { readOnlyMounts: [{ source: '/nonexistent/x', target: '/opt/x' }] });
    await expect(harness.driver.start(spec)).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining('/nonexistent/x') as string,
    });
    expect(await harness.driver.list()).toEqual([]);
    const { readOnlyMounts: _, ...good } = spec;
    expect((await harness.driver.inspect((await harness.driver.start(good)).handle)).status).toBe('running');
  });
});
