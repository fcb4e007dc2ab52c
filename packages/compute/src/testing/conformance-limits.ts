/** The contract of limits: they bite, the place survives them, and where they cannot be enforced nobody says they are. */
import assert from 'node:assert/strict';
import type { Check, RealHarness } from './conformance-harness.js';
import { startProbe } from './conformance-steps.js';

export function limitContract(check: Check<RealHarness>): void {
  check('the process limit bites, and the place survives it', async (harness) => {
    const limits = { ...harness.base.limits, processes: 60 };
    const place = await startProbe(harness, { limits });
    const report = await harness.driver.inspect(place.handle);
    assert.equal(report.limits.processes, true);
    const made = await place.ask(`
      const { spawn } = require('node:child_process');
      const children = [];
      let failed = 0;
      for (let n = 0; n < 200; n++) {
        const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
        child.on('error', () => {});
        if (child.pid === undefined) failed++; else children.push(child);
      }
      for (const child of children) child.kill('SIGKILL');
      return { made: children.length, failed };`);
    const { made: count, failed } = made as { made: number; failed: number };
    assert.ok(count < 60 && failed > 0, JSON.stringify(made));
    assert.equal(await place.ask('return 1'), 1);
  });

  check('the memory limit bites, and the place survives it', async (harness) => {
    const limits = { ...harness.base.limits, memoryBytes: 256 * 1024 * 1024 };
    const place = await startProbe(harness, { limits });
    assert.equal((await harness.driver.inspect(place.handle)).limits.memory, true);
    const end = await place.ask(`
      const eat = 'const kept = []; for (let n = 0; n < 64; n++) kept.push(Buffer.alloc(16 * 1024 * 1024, n + 1)); process.exit(9)';
      const { status, signal } = require('node:child_process').spawnSync(process.execPath, ['-e', eat]);
      return { status, signal };`);
    assert.deepEqual(end, { status: null, signal: 'SIGKILL' });
    assert.equal(await place.ask('return 1'), 1);
  });

  check('the limit of open files bites', async (harness) => {
    const limits = { ...harness.base.limits, openFiles: 128 };
    const place = await startProbe(harness, { limits });
    const opened = await place.ask(`
      const fs = require('node:fs');
      const files = [];
      try { for (;;) files.push(fs.openSync('/dev/null')); } catch {}
      for (const file of files) fs.closeSync(file);
      return files.length;`);
    assert.ok(Number(opened) < 128);
  });
}

export function noLimitContract(check: Check<RealHarness>): void {
  check('limits that are not enforced are not reported, and the probe warns', async (harness) => {
    const place = await startProbe(harness);
    const { limits } = await harness.driver.inspect(place.handle);
    assert.deepEqual(limits, { memory: false, processes: false, cpu: false });
    assert.notDeepEqual((await harness.driver.probe()).warnings, []);
  });
}
