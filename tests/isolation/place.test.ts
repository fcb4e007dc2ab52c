// A session's place from inside, as hostile code would look at it: what it sees, what it reaches, what it may use up.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { agentVariables, routes, type Session } from '@remote-claude/contract';
import { providedEngine } from '@remote-claude/compute/testing';
import { afterTool, always, text, toolUse, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { placesUnderTest } from '../support/config.js';
import { docker } from '../support/container.js';
import { evaluate, execute, output, startSession, stopSession, untilRunning } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { addMember, setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';
import { createTable } from './attempts.js';
import { insideContainer, insideSession, type Ran } from './commands.js';
import { capabilities, escapes } from './escapes.js';

const kind = placesUnderTest();
/** gVisor is a kernel of its own: the machine sees none of its processes, and it does not show all that Linux shows. */
const hasOwnKernel = kind === 'runsc';
const isProcess = kind === 'process';
const table = createTable(`attempts to leave a session's place (${kind})`);

let model: ScriptedModel;
let product: Product;
let ada: Person, bob: Person;
/** Ada's, looked at from inside, and Bob's, reached for. */
let mine: Session, theirs: Session;

const limits = { processes: 220, memoryMb: 1024 };
/** Marks processes so that the host finds them: `sleep` takes any number. */
const marks = { mine: '86400.0011', theirs: '86400.0022' };

beforeAll(async () => {
  model = await startModel([
    {
      name: 'act',
      when: userSays('act'),
      answer: [
        toolUse('Bash', { command: 'id -u; cat /proc/self/status; setpriv --dump', description: 'Look at itself' }),
      ],
    },
    { name: 'end', when: afterTool('Bash'), answer: [text('Done.')] },
    { name: 'greet', when: always, answer: [text('Hello.')] },
  ]);
  product = await startProduct({
    config: configFor(model, `compute: { limits: { processes: ${limits.processes}, memoryMb: ${limits.memoryMb} } }`),
  });
  ada = await setUpAdmin(product);
  bob = await addMember(product, ada, 'Bob');
  [mine, theirs] = await Promise.all([startSession(ada, { name: 'Mine' }), startSession(bob, { name: 'Theirs' })]);
  await execute(
    ada,
    mine.id,
    `setsid sleep ${marks.mine} >/dev/null 2>&1 </dev/null & echo mine > /workspace/marker-mine`,
  );
  await execute(
    bob,
    theirs.id,
    `setsid sleep ${marks.theirs} >/dev/null 2>&1 </dev/null & echo theirs > /workspace/marker-theirs; echo theirs > ~/marker-theirs`,
  );
});

afterAll(async () => {
  table.print();
  await product?.close();
  await model?.close();
});

/** The host's view of the one process whose arguments hold this. */
const hostStatus = (mark: string): Record<string, string> => {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== `sleep\0${mark}\0`) continue;
      return Object.fromEntries(
        readFileSync(`/proc/${pid}/status`, 'utf8')
          .split('\n')
          .map((line) => line.split(/:\s*/, 2) as [string, string]),
      );
    } catch {
      // It ended while we looked.
    }
  }
  throw new Error(`no process is called sleep ${mark}`);
};

const uidOf = (mark: string): number => Number(hostStatus(mark)['Uid']?.split('\t')[0]);

describe('what it is', () => {
  it('is not root, and as a process another user than the other session’s', async () => {
    expect(await output(ada, mine.id, 'id -u')).not.toBe('0');
    if (hasOwnKernel) return;
    const uids = [
      await until(() => uidOf(marks.mine), { what: 'a mark' }),
      await until(() => uidOf(marks.theirs), { what: 'a mark' }),
    ];
    for (const uid of uids) expect(uid).toBeGreaterThanOrEqual(isProcess ? 50_000 : 1_000);
    // Containers are kept apart by their namespaces alone.
    if (isProcess) expect(new Set(uids).size).toBe(2);
    const spaces = [marks.mine, marks.theirs].flatMap((mark) =>
      ['pid', 'net', 'mnt', 'ipc', 'uts'].map((name) => readlinkSync(`/proc/${hostStatus(mark)['Pid']}/ns/${name}`)),
    );
    const ours = ['pid', 'net', 'mnt', 'ipc', 'uts'].map((name) => readlinkSync(`/proc/self/ns/${name}`));
    expect(new Set([...spaces, ...ours]).size).toBe(15);
  });

  it.each(['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])('has no capability in %s', async (field) => {
    const line = await output(ada, mine.id, `grep ${field} /proc/self/status || true`);
    // gVisor has no ambient ones, and does not say so.
    if (!(hasOwnKernel && field === 'CapAmb')) expect(line).toBe(`${field}:\t0000000000000000`);
    else expect(line).toMatch(/^$|\t0{16}$/);
  });

  it('can gain no privilege, and makes only the system calls of a list', async () => {
    const status = await output(ada, mine.id, 'cat /proc/self/status');
    expect(await output(ada, mine.id, 'setpriv --dump')).toMatch(/^no_new_privs: 1$/m);
    expect(status).toMatch(/^Seccomp:\s2$/m);
    if (hasOwnKernel) return;
    expect(hostStatus(marks.mine)).toMatchObject({
      NoNewPrivs: '1',
      Seccomp: '2',
      CapEff: '0000000000000000',
      CapBnd: '0000000000000000',
    });
  });

  it('is the same for what Claude runs', async () => {
    const turn = ada.client.call(routes.claude.chat, { params: { id: mine.id }, body: { message: 'act' } });
    const asked = await until(
      async () => (await ada.client.call(routes.claude.approvals, { params: { id: mine.id } })).items[0],
      { what: 'an approval' },
    );
    await ada.client.call(routes.claude.answer, {
      params: { id: mine.id, approvalId: asked.approvalId },
      body: { decision: 'allow' },
    });
    expect(await turn).toMatchObject({ outcome: 'completed' });
    const { items } = await ada.client.call(routes.claude.history, { params: { id: mine.id }, query: { limit: 500 } });
    const ran = items.flatMap(({ event }) => (event.type === 'tool.finished' ? [event.output.text] : [])).join('');
    expect(ran).toMatch(/^CapBnd:\s0{16}$/m);
    expect(ran).toMatch(/^Seccomp:\s2$/m);
    expect(ran).toMatch(/^no_new_privs: 1$/m);
    expect(ran).not.toMatch(/^0$/m);
  });
});

describe('what it sees', () => {
  it('no network but loopback, and no way out', async () => {
    expect(await output(ada, mine.id, "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).toBe('lo');
    expect(await output(ada, mine.id, 'tail -n +2 /proc/net/route')).toBe('');
    expect(await output(ada, mine.id, 'awk \'$NF != "lo"\' /proc/net/ipv6_route 2>/dev/null || true')).toBe('');
    const interfaces = await evaluate<string[]>(
      ada,
      mine.id,
      "return Object.keys(require('node:os').networkInterfaces())",
    );
    expect(interfaces).toEqual(['lo']);
  });

  it('none of the host’s folders, secrets, disks or sockets', async () => {
    const { port } = new URL(product.url);
    const seen = await evaluate<Record<string, unknown>>(
      ada,
      mine.id,
      `
      const fs = require('node:fs');
      const names = (path) => { try { return fs.readdirSync(path); } catch (error) { return error.code; } };
      const read = (path) => { try { return fs.readFileSync(path, 'utf8').length; } catch (error) { return error.code; } };
      const found = [];
      const walk = (folder, depth) => {
        for (const entry of (() => { try { return fs.readdirSync(folder, { withFileTypes: true }); } catch { return []; } })()) {
          const path = folder === '/' ? '/' + entry.name : folder + '/' + entry.name;
          if (['/proc', '/sys', '/usr', '/opt', '/dev'].includes(path)) continue;
          if (entry.isSocket() || /^(marker-theirs|config.yaml|setup-token|PG_VERSION|master.key)$/.test(entry.name)) found.push(path);
          if (entry.isDirectory() && depth < 12) walk(path, depth + 1);
        }
      };
      walk('/', 0);
      return {
        root: names('/root'), home: names('/home'), tmp: names('/tmp').filter((name) => name.startsWith('rc-')),
        dataDir: names(values.dataDir), shadow: read('/etc/shadow'), etc: names('/etc').filter((name) => /shadow|sudoers|ssh$|kubernetes|docker/.test(name)),
        sys: names('/sys'), boot: names('/boot'), run: names('/run'), docker: read('/var/run/docker.sock'),
        disks: names('/dev').filter((name) => /^(sd|vd|nvme|xvd|loop|dm-|mem|kmem|kmsg|port|kvm|fuse)/.test(name)),
        kcore: read('/proc/kcore'), other: names('/proc/1/root/root'), found,
      };`,
      { dataDir: product.dataDir, port },
    );
    // An image's own files are there, and nothing of it opens what is its root's.
    for (const [name, codes] of Object.entries({
      root: ['ENOENT', 'EACCES'],
      dataDir: ['ENOENT'],
      shadow: ['ENOENT', 'EACCES'],
      docker: ['ENOENT'],
      // Nothing stands in its place.
      kcore: ['ENOENT', 'EACCES', 'EPERM', ...(isProcess ? [] : [0])],
    })) {
      expect([name, codes]).toEqual([name, expect.arrayContaining([seen[name]])]);
    }
    // gVisor's own kernel has a /dev/fuse, which is nothing of the machine's.
    expect(seen).toMatchObject({ home: ['claude'], tmp: [], disks: hasOwnKernel ? ['fuse'] : [] });
    if (isProcess) expect(seen).toMatchObject({ etc: [], run: ['remote-claude'] });
    for (const folder of [...(isProcess ? ['sys'] : []), 'boot', 'other'])
      expect(['ENOENT', 'EACCES', '']).toContain(Array.isArray(seen[folder]) ? seen[folder].join() : seen[folder]);
    expect((seen['found'] as string[]).filter((path) => !path.startsWith('/tmp/'))).toEqual([
      '/run/remote-claude/agent/agent.sock',
      '/run/remote-claude/gateway/gateway.sock',
    ]);
  });

  it('no process of the host or of another session, and no argument with a secret', async () => {
    const all = await output(ada, mine.id, "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done");
    expect(all).toContain(`sleep ${marks.mine}`);
    expect(all).not.toContain(`sleep ${marks.theirs}`);
    expect(all).not.toMatch(/postgres|main\.js serve|vitest/);
  });

  it('its own work tree, not the other one', async () => {
    expect(await output(ada, mine.id, 'ls /workspace')).toBe('marker-mine');
    expect((await execute(ada, mine.id, 'cat /workspace/../*/*/marker-theirs ~/marker-theirs')).exitCode).not.toBe(0);
  });

  it('an environment without the server’s, also of the process that all others descend from', async () => {
    const names = (await output(ada, mine.id, 'env | cut -d= -f1 | sort')).split('\n');
    expect(
      names.filter((name) =>
        /SECRET|AGENT|GATEWAY|DATABASE|REDIS|CLAUDE_API_KEY|ANTHROPIC_API_KEY|VITEST|NODE_OPTIONS/.test(name),
      ),
    ).toEqual([]);
    const first = (await output(ada, mine.id, "tr '\\0' '\\n' < /proc/1/environ | cut -d= -f1")).split('\n');
    // In a container that process begins with what the agent is given, which is worth something in this session alone.
    const agents: string[] = isProcess
      ? []
      : [...Object.values(agentVariables), 'USER', 'LOGNAME', 'SHELL', 'HOSTNAME'];
    expect(
      first.filter(
        (name) =>
          !agents.includes(name) &&
          !/^(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|CI|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|npm_config_\w+)$/.test(name),
      ),
    ).toEqual([]);
  });
});

/** What this machine's root has, as the engine writes it: no container can have more. */
const capabilitiesHere = (): string[] => {
  const bits = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`);
  return capabilities.filter((_name, at) => (bits >> BigInt(at)) & 1n);
};
/** Before a command: what even a loose container has for reading only. */
const writable =
  'for at in /sys /sys/fs/cgroup /sys/fs/cgroup/*; do mount -o remount,rw $at 2>/dev/null; done; exec "$0" "$@"';

describe('what it tries to reach', () => {
  const names = Object.keys(escapes);
  const commands = names.map((name) => ({ name, command: escapes[name]?.command ?? '' }));
  let tried: Ran[];

  beforeAll(async () => {
    tried = await insideSession(ada, mine.id)({ commands });
  });

  it('is tried in at least 30 ways', () => {
    expect(tried.length).toBeGreaterThanOrEqual(30);
  });

  it.each(names)('%s is out of reach', (name) => {
    const ran = tried.find((one) => one.name === name);
    if (ran === undefined) throw new Error('it was not tried');
    const { code, stdout, stderr } = ran;
    const why = (hasOwnKernel && escapes[name]?.hollow) || null;
    if (why !== null) return void table.add({ what: name, outcome: why, held: true });
    table.add({ what: name, outcome: `${code}: ${stderr || stdout}`, held: code !== 0 });
    expect(code).not.toBe(0);
    // It ended by itself.
    expect(code).not.toBe(124);
  });

  it('the session still works afterwards', async () => {
    expect(await output(ada, mine.id, 'echo well')).toBe('well');
  });

  // The list is one for all kinds of places, and this needs an engine.
  if (kind !== 'runc') return;
  it('each of them gets there where nothing holds it', async () => {
    const name = `loose-${randomUUID().slice(0, 8)}`;
    const { sessionImage } = providedEngine();
    const loose = [
      ...capabilitiesHere().map((capability) => `--cap-add=${capability}`),
      ...['seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'].map((one) => `--security-opt=${one}`),
      ...['--user=0:0', '--network=none', '--ulimit=nofile=1024:2048', '--ulimit=core=0:0', '--init'],
    ];
    const started = await docker(['run', '--detach', `--name=${name}`, ...loose, sessionImage, 'sleep', '86400']);
    expect(started.stderr).toBe('');
    try {
      const provable = commands.filter(({ name: what }) => escapes[what]?.unproven === null);
      const got = await insideContainer(name, ['unshare', '--mount', 'sh', '-c', writable])({ commands: provable });
      const shut = got.filter(({ code }) => code !== 0);
      const isRare = ({ name: what }: Ran): boolean => escapes[what]?.isRare === true;
      for (const one of shut.filter(isRare)) process.stdout.write(`${one.name}: not on this machine: ${one.stderr}\n`);
      expect(shut.filter((one) => !isRare(one))).toEqual([]);
    } finally {
      await docker(['rm', '--force', name]);
    }
  });
});

describe('the gateway, its only door', () => {
  const call = `
    const http = require('node:http');
    const base = new URL(process.env.ANTHROPIC_BASE_URL);
    const ask = ({ method = 'POST', path, token = process.env.ANTHROPIC_AUTH_TOKEN, body = '{}', headers = {}, socket }) => new Promise((resolve) => {
      const at = socket ? { socketPath: '/run/remote-claude/gateway/gateway.sock' } : { host: base.hostname, port: base.port };
      const authorization = token === null ? {} : { authorization: 'Bearer ' + token };
      const request = http.request({ ...at, method, path, timeout: 10000, headers: { 'content-type': 'application/json', ...authorization, ...headers } }, (answer) => {
        let text = ''; answer.on('data', (part) => { text += part; }); answer.on('end', () => resolve([answer.statusCode, text.slice(0, 400)]));
      });
      request.on('connect', (answer) => { request.destroy(); resolve([answer.statusCode, 'connect']); });
      request.on('timeout', () => { request.destroy(); resolve([0, 'timeout']); });
      request.on('error', (error) => resolve([0, error.code]));
      request.end(method === 'GET' || method === 'CONNECT' ? undefined : body);
    });`;
  const prompt = JSON.stringify({
    model: 'claude-sonnet-5',
    max_tokens: 10,
    messages: [{ role: 'user', content: 'Hello' }],
  });

  it('lets messages and the counting of tokens through, by the loopback port and by the socket', async () => {
    const answers = await evaluate<[number, string][]>(
      ada,
      mine.id,
      `${call} return [await ask({ path: '/v1/messages', body: values }), await ask({ path: '/v1/messages/count_tokens', body: values }), await ask({ path: '/v1/messages?beta=true', body: values, socket: true })];`,
      prompt,
    );
    expect(answers.map(([status]) => status)).toEqual([200, 200, 200]);
  });

  it('lets nothing else through', async () => {
    const before = model.requests().length;
    const paths = [
      '/',
      '/v1',
      '/v1/models',
      '/v1/messages/batches',
      '/v1/messages/',
      '/v1/messages/../models',
      '/v1/messages/%2e%2e/models',
      '//v1/messages',
      '/V1/MESSAGES',
      '/v1/messages%00',
      '/v1/files',
      '/v1/complete',
      '/api/oauth/token',
      '/v1/organizations/me',
      `${model.url}/v1/models`,
      'http://169.254.169.254/latest/meta-data/',
      'http://example.com/',
    ];
    const answers = await evaluate<[string, number, string][]>(
      ada,
      mine.id,
      `${call}
      const answers = [];
      for (const path of values) for (const method of ['GET', 'POST', 'PUT', 'DELETE']) answers.push([method + ' ' + path, ...(await ask({ path, method }))]);
      for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) answers.push([method + ' /v1/messages', ...(await ask({ path: '/v1/messages', method }))]);
      answers.push(['CONNECT', ...(await ask({ path: 'example.com:443', method: 'CONNECT' }))]);
      answers.push(['upgrade', ...(await ask({ path: '/v1/messages', method: 'GET', headers: { connection: 'Upgrade', upgrade: 'websocket' } }))]);
      return answers;`,
      paths,
    );
    expect(answers.length).toBeGreaterThan(60);
    for (const [what, status] of answers)
      expect([what, status === 0 || (status >= 400 && status < 500)]).toEqual([what, true]);
    expect(
      answers.filter(([, status]) => status === 403).every(([, , said]) => /gateway/i.test(said) || said === ''),
    ).toBe(true);
    expect(model.requests().length).toBe(before);
  });

  it('asks for this session’s own token', async () => {
    const others = await output(bob, theirs.id, 'echo $ANTHROPIC_AUTH_TOKEN');
    const own = await output(ada, mine.id, 'echo $ANTHROPIC_AUTH_TOKEN');
    expect(own).not.toBe(others);
    const before = model.requests().length;
    const answers = await evaluate<[number, string][]>(
      ada,
      mine.id,
      `${call}
      const answers = [];
      for (const token of values.tokens) for (const socket of [false, true]) answers.push(await ask({ path: '/v1/messages', token, socket, body: values.prompt }));
      return answers;`,
      { tokens: [others, '', 'x', null, `${own}x`, own.slice(0, -1), ada.token], prompt },
    );
    expect(answers.map(([status]) => status)).toEqual(answers.map(() => 401));
    expect(model.requests().length).toBe(before);
  });

  it('hands no header of the session on that is its own matter', async () => {
    await evaluate(
      ada,
      mine.id,
      `${call} return ask({ path: '/v1/messages', body: values, headers: { cookie: 'a=b', 'x-forwarded-for': '10.0.0.1', 'anthropic-beta': 'kept' } });`,
      prompt,
    );
    const headers = model.requests().at(-1)?.headers ?? {};
    expect(headers['anthropic-beta']).toBe('kept');
    expect(headers['cookie']).toBeUndefined();
    expect(JSON.stringify(headers)).not.toContain(await output(ada, mine.id, 'echo $ANTHROPIC_AUTH_TOKEN'));
  });
});

describe('what it may use up', () => {
  const healthy = async (): Promise<void> => {
    const startMs = performance.now();
    expect((await fetch(`${product.url}/healthz`)).status).toBe(200);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  };

  it('has limits that the kernel holds', async () => {
    const { warnings } = await ada.client.call(routes.auth.about, {});
    const about = warnings.filter((warning) => /limit|memory|process/i.test(warning));
    // This gVisor is run without control groups, and the product says what that means.
    if (hasOwnKernel) expect(about.join()).toContain('Sessions have no limit of');
    else expect(about).toEqual([]);
  });
  if (hasOwnKernel) return;

  it('memory: what asks for more is killed, and the session goes on', async () => {
    const eat = `node -e 'const kept = []; for (;;) kept.push(Buffer.alloc(64 * 1024 * 1024, 1 + kept.length))'`;
    const answer = await execute(bob, theirs.id, `(${eat}); echo ended $?`);
    expect(answer.stdout).toMatch(/ended (137|134)/);
    await healthy();
    expect(await output(bob, theirs.id, 'echo well')).toBe('well');
    expect(await output(ada, mine.id, 'echo well')).toBe('well');
  });

  it('memory in files of its own counts too', async () => {
    const answer = await execute(
      bob,
      theirs.id,
      `head -c ${3 * limits.memoryMb}M /dev/zero > /tmp/large; code=$?; size=$(stat -c %s /tmp/large); rm -f /tmp/large; echo "$code $size"`,
    );
    const [code, size] = answer.stdout.trim().split(' ').map(Number);
    expect(code).not.toBe(0);
    expect(size).toBeLessThan(limits.memoryMb * 1024 * 1024);
    expect(await output(bob, theirs.id, 'echo well')).toBe('well');
  });

  it('processes: a swarm stops at the limit', async () => {
    const answer = await execute(
      bob,
      theirs.id,
      `n=0; for i in $(seq 1000); do sleep 5 & done 2>/dev/null; pgrep -c sleep 2>/dev/null || ls -d /proc/[0-9]* | wc -l`,
      { timeoutMs: 40_000 },
    );
    const count = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
    expect(count).toBeLessThan(2_000);
    expect(answer.stdout === '' || Number(answer.stdout.trim()) < limits.processes).toBe(true);
    await healthy();
    expect(await output(ada, mine.id, 'echo well')).toBe('well');
    await until(async () => (await execute(bob, theirs.id, 'echo well')).stdout === 'well\n', {
      what: 'the session to work again',
      timeoutMs: 60_000,
    });
  });

  it('a fork bomb harms nobody else, and stopping the session ends it', async () => {
    // By their process namespace: another server's sessions may bear the same user number.
    const space = readlinkSync(`/proc/${hostStatus(marks.theirs)['Pid']}/ns/pid`);
    const ofTheirs = (): number =>
      readdirSync('/proc').filter((name) => {
        try {
          // A zombie is dead, and waits for the machine's own first process to take note.
          return (
            /^\d+$/.test(name) &&
            readlinkSync(`/proc/${name}/ns/pid`) === space &&
            !/^State:\tZ/m.test(readFileSync(`/proc/${name}/status`, 'utf8'))
          );
        } catch {
          return false;
        }
      }).length;
    const bomb = execute(bob, theirs.id, 'bomb() { bomb | bomb & }; bomb; sleep 60', { timeoutMs: 60_000 }).catch(
      (error: unknown) => error,
    );
    await until(() => ofTheirs() > 60, { what: 'the bomb to go off' });
    for (let look = 0; look < 10; look += 1) {
      expect(ofTheirs()).toBeLessThanOrEqual(limits.processes);
      await healthy();
      expect(await output(ada, mine.id, 'echo well')).toBe('well');
    }
    await stopSession(bob, theirs.id);
    await bomb;
    expect(ofTheirs()).toBe(0);
    await bob.client.call(routes.sessions.start, { params: { id: theirs.id } });
    await untilRunning(bob, theirs.id);
    expect(await output(bob, theirs.id, 'cat /workspace/marker-theirs')).toBe('theirs');
  });
});
