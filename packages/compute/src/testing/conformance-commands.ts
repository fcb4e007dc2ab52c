/** The contract of what runs in a place: its environment, its disk, its way to the gateway, and where it is reached. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { listenOptions } from '../address.js';
import type { Address } from '../address.js';
import type { Check, RealHarness } from './conformance-harness.js';
import { newId, startProbe, untilStatus } from './conformance-steps.js';

export function commandContract(check: Check<RealHarness>): void {
  diskContract(check);
  gatewayContract(check);

  check('the environment inside is what was given, and in no argument', async (harness) => {
    const secret = newId('secret');
    const given = { ...harness.base.environment, SECRET: secret, ODD: 'a b\n"c" $HOME', EMPTY: '' };
    const place = await startProbe(harness, { environment: given });
    const seen = (await place.ask('return process.env')) as Record<string, string>;
    for (const [name, value] of Object.entries(given)) assert.equal(seen[name], value);
    const extra = Object.keys(seen).filter((name) => !(name in given) && !(name in place.spec.environment));
    // Engines add what tells where the place is, never more.
    assert.deepEqual(
      extra.filter((name) => !['PWD', 'HOSTNAME', 'REMOTE_CLAUDE_PLACE'].includes(name)),
      [],
    );
    const everyArgument = await place.ask(`
      const { readdirSync, readFileSync } = require('node:fs');
      return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((pid) => {
        try { return readFileSync('/proc/' + pid + '/cmdline', 'utf8'); } catch { return ''; }
      }).join(' ');`);
    assert.ok(!String(everyArgument).includes(secret));
  });

  check('a read-only mount is read and not written', async (harness) => {
    const { mount, name, content } = harness.inside.mountedFile;
    const place = await startProbe(harness);
    const path = JSON.stringify(`${harness.driver.layout(place.spec.sessionId).mount(mount)}/${name}`);
    assert.equal(await place.ask(`return require('node:fs').readFileSync(${path}, 'utf8')`), content);
  });

  check('a place ends with its command, whatever that left in the background', async (harness) => {
    const place = await startProbe(harness);
    await place.ask(`
      const { spawn } = require('node:child_process');
      spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { detached: true, stdio: 'ignore' }).unref();
      setTimeout(() => process.exit(4), 50);`);
    assert.equal((await untilStatus(harness.driver, place.handle, 'error')).exitCode, 4);
    assert.deepEqual(await harness.driver.list(), []);
  });
}

function diskContract(check: Check<RealHarness>): void {
  check('the disk outlives the place and goes with destroy', async (harness) => {
    const { driver } = harness;
    const first = await startProbe(harness);
    const { workspace, home, state } = driver.layout(first.spec.sessionId);
    const files = JSON.stringify([workspace, home, state].map((folder) => `${folder}/kept`));
    assert.equal(await first.ask('return process.cwd()'), workspace);
    await first.ask(`for (const file of ${files}) require('node:fs').writeFileSync(file, 'kept')`);
    await driver.stop(first.handle, { graceMs: 5_000 });
    const read = `return ${files}.map((file) => require('node:fs').existsSync(file))`;
    const second = await startProbe(harness, { sessionId: first.spec.sessionId });
    assert.deepEqual(await second.ask(read), [true, true, true]);
    await driver.destroy(first.spec.sessionId);
    const third = await startProbe(harness, { sessionId: first.spec.sessionId });
    assert.deepEqual(await third.ask(read), [false, false, false]);
  });
}

function gatewayContract(check: Check<RealHarness>): void {
  check('the gateway is reached from inside, also after it was closed and listened anew', async (harness) => {
    const place = await startProbe(harness);
    const { gatewaySocket } = harness.driver.layout(place.spec.sessionId);
    const { gateway } = place;
    const target = gatewaySocket === null ? gateway : { path: gatewaySocket };
    const question = `
      const socket = require('node:net').connect(${JSON.stringify(target)});
      return new Promise((resolve, reject) => {
        let said = '';
        socket.on('data', (part) => { said += part; });
        socket.on('end', () => resolve(said));
        socket.on('error', reject);
      });`;
    for (const greeting of ['first gateway', 'second gateway']) {
      const server = await greet(gateway, greeting);
      assert.equal(await place.ask(question), greeting);
      await new Promise((resolve) => server.close(resolve));
    }
  });
}

async function greet(gateway: Address, greeting: string): Promise<Server> {
  const server = createServer((socket) => socket.end(greeting));
  if (gateway.kind === 'unix') rmSync(gateway.path, { force: true });
  server.listen(listenOptions(gateway));
  await once(server, 'listening');
  return server;
}
