/** The contract of isolation: a probe inside tries to see, reach and use what is not the session's, and must fail. */
import assert from 'node:assert/strict';
import type { Check, RealHarness } from './conformance-harness.js';
import { newId, startProbe } from './conformance-steps.js';

const runs = (file: string, ...args: string[]) =>
  `return require('node:child_process').spawnSync(${JSON.stringify(file)}, ${JSON.stringify(args)}).status`;

const output = (file: string, ...args: string[]) =>
  `return require('node:child_process').spawnSync(${JSON.stringify(file)}, ${JSON.stringify(args)}).stdout.toString()`;

export function isolationContract(check: Check<RealHarness>): void {
  privilegeContract(check);
  visibilityContract(check);

  check('agents are told apart from links that code in the session puts in their place', async (harness) => {
    const place = await startProbe(harness);
    const { agentSocket } = harness.driver.layout(place.spec.sessionId);
    assert.equal(await place.ask('return 1'), 1);
    if (agentSocket === null) return;
    const at = JSON.stringify(agentSocket);
    await place.ask(`
      const fs = require('node:fs');
      fs.renameSync(${at}, ${at} + '.old');
      fs.symlinkSync(${at} + '.old', ${at});`);
    await assert.rejects(place.ask('return 1'), { name: 'UnsafeSocketError' });
  });
}

function privilegeContract(check: Check<RealHarness>): void {
  check('inside there is no privilege: uid, capabilities, no-new-privileges, seccomp', async (harness) => {
    const place = await startProbe(harness);
    assert.notEqual(await place.ask('return process.getuid()'), 0);
    const status = String(await place.ask(`return require('node:fs').readFileSync('/proc/self/status', 'utf8')`));
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1];
    for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd']) assert.equal(Number(`0x${field(name)}`), 0, name);
    // gVisor has none of them, and does not say so there.
    assert.equal(Number(`0x${field('CapAmb') ?? 0}`), 0);
    assert.match(String(await place.ask(output('setpriv', '--dump'))), /^no_new_privs: 1$/m);
    assert.equal(field('Seccomp'), '2');
  });

  check('new namespaces, mounts and the hostname are refused', async (harness) => {
    const place = await startProbe(harness);
    for (const flag of ['--user', '--mount', '--net', '--pid']) {
      assert.notEqual(await place.ask(runs('unshare', flag, 'true')), 0, flag);
    }
    assert.notEqual(await place.ask(runs('mount', '-t', 'tmpfs', 'none', '/tmp')), 0);
    assert.notEqual(await place.ask(runs('hostname', 'elsewhere')), 0);
    assert.equal(await place.ask(runs('true')), 0, 'ordinary programs run');
  });

  check('the system is read-only and the session writes where it should', async (harness) => {
    const place = await startProbe(harness);
    const { workspace, home, state } = harness.driver.layout(place.spec.sessionId);
    const write = (folder: string) => `
      try { require('node:fs').writeFileSync(${JSON.stringify(`${folder}/written`)}, 'x'); return true; } catch { return false; }`;
    for (const folder of ['/', '/usr', '/usr/bin', '/etc', '/dev', '/proc/sys/kernel', '/opt', '/run', '/var']) {
      assert.equal(await place.ask(write(folder)), false, folder);
    }
    for (const folder of [workspace, home, state, '/tmp']) assert.equal(await place.ask(write(folder)), true, folder);
    const { mount, name } = harness.inside.mountedFile;
    const target = JSON.stringify(`${mount.target}/${name}`);
    const overwrite = `try { require('node:fs').writeFileSync(${target}, 'x'); return true; } catch { return false; }`;
    assert.equal(await place.ask(overwrite), false);
  });
}

function visibilityContract(check: Check<RealHarness>): void {
  check('nothing of the host is visible but its system', async (harness) => {
    const place = await startProbe(harness);
    const open = (path: string) => `
      try { return require('node:fs').readdirSync(${JSON.stringify(path)}).length === 0 ? 'EMPTY' : 'folder'; }
      catch (error) { if (error.code !== 'ENOTDIR') return error.code; }
      try { require('node:fs').readFileSync(${JSON.stringify(path)}); return 'file'; } catch (error) { return error.code; }`;
    for (const path of [
      harness.inside.hiddenFile,
      '/root',
      '/etc/shadow',
      '/etc/ssl/private',
      '/boot',
      '/sys/kernel',
    ]) {
      assert.match(String(await place.ask(open(path))), /^E(NOENT|ACCES|MPTY)$/, path);
    }
    assert.deepEqual(await place.ask(`return require('node:fs').readdirSync('/home')`), ['claude']);
    const pids = (await place.ask(
      `return require('node:fs').readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))`,
    )) as string[];
    assert.ok(pids.length <= 4, `processes seen: ${pids.length}`);
  });

  check('the network has no way out', async (harness) => {
    const place = await startProbe(harness);
    const interfaces = (await place.ask(`
      return require('node:fs').readFileSync('/proc/net/dev', 'utf8').split('\\n').slice(2)
        .map((line) => line.split(':')[0].trim()).filter(Boolean)`)) as string[];
    if (harness.inside.network === 'none') assert.deepEqual(interfaces, ['lo']);
    const loopback = await place.ask(`
      const net = require('node:net');
      const server = net.createServer((socket) => socket.end('x')).listen(0, '127.0.0.1');
      await require('node:events').once(server, 'listening');
      const socket = net.connect(server.address().port, '127.0.0.1');
      await require('node:events').once(socket, 'data');
      socket.destroy(); server.close();
      return 'works';`);
    assert.equal(loopback, 'works');
  });

  check('two sessions see nothing of each other', async (harness) => {
    const secret = newId('secret');
    const one = await startProbe(harness);
    const other = await startProbe(harness);
    const { workspace } = harness.driver.layout(one.spec.sessionId);
    await one.ask(
      `require('node:fs').writeFileSync(${JSON.stringify(`${workspace}/mine`)}, ${JSON.stringify(secret)})`,
    );
    await one.ask(`require('node:fs').writeFileSync('/tmp/mine', 'x')`);
    const theirs = await other.ask(`
      const fs = require('node:fs');
      return [${JSON.stringify(`${workspace}/mine`)}, '/tmp/mine'].map((path) => fs.existsSync(path));`);
    assert.deepEqual(theirs, [false, false]);
    // A kernel of its own counts them for itself.
    if (harness.inside.kernel === 'own') return;
    const kinds = ['pid', 'net', 'mnt', 'ipc', 'uts', ...(harness.inside.users === 'own' ? ['user'] : [])];
    const spaces = `return ${JSON.stringify(kinds)}.map((name) => require('node:fs').readlinkSync('/proc/self/ns/' + name))`;
    const [mine, others] = [(await one.ask(spaces)) as string[], (await other.ask(spaces)) as string[]];
    assert.equal(mine.filter((space) => others.includes(space)).length, 0);
    assert.notDeepEqual(one.agent, other.agent);
  });
}
