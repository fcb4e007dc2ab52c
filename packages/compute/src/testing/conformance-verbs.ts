/** The contract of the verbs: idempotent, honest about what they find, and unharmed by crashes of the caller. */
import assert from 'node:assert/strict';
import { ComputeError } from '../driver.js';
import type { ComputeErrorCode, PlaceHandle, PlaceSpec, Preparing } from '../driver.js';
import type { Check } from './conformance-harness.js';
import { newId, specFor, untilStatus } from './conformance-steps.js';

const rejectsWith = (code: ComputeErrorCode) => (error: unknown) =>
  error instanceof ComputeError && error.code === code;

export function verbContract(check: Check): void {
  prepareContract(check);
  startContract(check);
  endContract(check);
  claimContract(check);
  lostDiskContract(check);
  handleContract(check);

  check('the probe finds its engine ready', async ({ driver }) => {
    assert.deepEqual((await driver.probe()).problems, []);
    assert.equal((await driver.probe()).ready, true);
  });

  check('a closed driver leaves places alone and refuses further verbs', async (harness) => {
    const { handle } = await harness.driver.start(specFor(harness));
    await harness.driver.close();
    await harness.driver.close();
    await assert.rejects(harness.driver.list(), rejectsWith('closed'));
    assert.equal((await harness.reopen().inspect(handle)).status, 'running');
  });
}

function prepareContract(check: Check): void {
  check('prepare may be repeated, at once and by another driver, and says how far it is', async (harness) => {
    const { driver, base } = harness;
    const told: Preparing[] = [];
    const tell = (how: Preparing): void => void told.push(how);
    await Promise.all([driver.prepare(base, tell), driver.prepare(base), harness.reopen().prepare(base)]);
    for (const what of new Set(told.map((how) => how.what))) {
      const percents = told.flatMap((how) => (how.what === what && how.percent !== null ? [how.percent] : []));
      assert.deepEqual(
        percents,
        percents.toSorted((one, other) => one - other),
      );
      assert.ok(percents.every((percent) => percent >= 0 && percent < 100));
    }
    assert.deepEqual(await driver.list(), []);
    await driver.start(specFor(harness));
  });

  check('what is no name of an image is refused', async ({ driver, base }) => {
    for (const image of ['', '../../containers/json', 'a b', 'one/Upper', 'a?b', 'name:'])
      await assert.rejects(driver.prepare({ ...base, image }), rejectsWith('bad_spec'));
  });
}

function startContract(check: Check): void {
  check('start gives a running place, its addresses and its steps', async (harness) => {
    const steps: string[] = [];
    const started = await harness.driver.start(specFor(harness), (step) => steps.push(step));
    const report = await untilStatus(harness.driver, started.handle, 'running');
    assert.equal(report.reason, null);
    assert.equal(report.exitCode, null);
    assert.ok(steps.length > 0);
    assert.deepEqual(harness.driver.addresses(started.handle), { agent: started.agent, gateway: started.gateway });
  });

  check('the same place id is one place, at once and later and for a new driver', async (harness) => {
    const spec = specFor(harness);
    const [first, second] = await Promise.all([harness.driver.start(spec), harness.driver.start(spec)]);
    assert.deepEqual(second.handle, first.handle);
    assert.deepEqual((await harness.reopen().start(spec)).handle, first.handle);
    assert.equal((await harness.driver.list()).length, 1);
  });

  check('a place that has ended is not run again under its id', async (harness) => {
    const spec = specFor(harness, { command: harness.commands.exit(3) });
    const { handle } = await harness.driver.start(spec);
    await untilStatus(harness.driver, handle, 'error');
    assert.deepEqual((await harness.driver.start(spec)).handle, handle);
    assert.equal((await harness.driver.inspect(handle)).status, 'error');
  });

  check('a second place of a session is refused until the first is stopped', async (harness) => {
    const spec = specFor(harness);
    const first = await harness.driver.start(spec);
    const next = { ...spec, placeId: newId('place') };
    await assert.rejects(harness.driver.start(next), rejectsWith('place_exists'));
    assert.equal((await harness.driver.inspect(first.handle)).status, 'running');
    await harness.driver.stop(first.handle, { graceMs: 5_000 });
    assert.equal((await harness.driver.inspect((await harness.driver.start(next)).handle)).status, 'running');
  });
}

function endContract(check: Check): void {
  check('stop ends the place, twice as well as once, and list no longer has it', async (harness) => {
    const { driver } = harness;
    const { handle } = await driver.start(specFor(harness));
    await driver.stop(handle, { graceMs: 5_000 });
    await driver.stop(handle, { graceMs: 5_000 });
    const report = await driver.inspect(handle);
    assert.equal(report.status, 'stopped');
    assert.deepEqual(report.limits, { memory: false, processes: false, cpu: false });
    assert.deepEqual(await driver.list(), []);
  });

  check('a command that ignores the request is killed after the grace', async (harness) => {
    const { handle } = await harness.driver.start(specFor(harness, { command: harness.commands.stubborn }));
    await harness.driver.stop(handle, { graceMs: 300 });
    assert.equal((await harness.driver.inspect(handle)).status, 'stopped');
    assert.deepEqual(await harness.driver.list(), []);
  });

  check('the end of a command is reported with its code', async (harness) => {
    const failed = await harness.driver.start(specFor(harness, { command: harness.commands.exit(7) }));
    const report = await untilStatus(harness.driver, failed.handle, 'error');
    assert.equal(report.exitCode, 7);
    assert.ok(report.reason);
    const fine = await harness.driver.start(specFor(harness, { command: harness.commands.exit(0) }));
    assert.equal((await untilStatus(harness.driver, fine.handle, 'stopped')).exitCode, 0);
    assert.deepEqual(await harness.driver.list(), []);
  });

  check('destroy ends a running place, and may be repeated and aimed at nothing', async (harness) => {
    const spec = specFor(harness);
    const { handle } = await harness.driver.start(spec);
    await harness.driver.destroy(spec.sessionId);
    await harness.driver.destroy(spec.sessionId);
    await harness.driver.destroy(newId('never'));
    assert.equal((await harness.driver.inspect(handle)).status, 'stopped');
    assert.deepEqual(await harness.driver.list(), []);
  });
}

function claimContract(check: Check): void {
  check('what its caller may no longer do is not done, and what it may is', async (harness) => {
    const { driver } = harness;
    const spec = specFor(harness);
    const no = () => false;
    const yes = () => true;
    const superseded = rejectsWith('superseded');
    await assert.rejects(
      driver.start(spec, () => {}, no),
      superseded,
    );
    assert.deepEqual(await driver.list(), []);
    const { handle } = await driver.start(spec, () => {}, yes);
    await assert.rejects(driver.stop(handle, { graceMs: 0, mayAct: no }), superseded);
    await assert.rejects(driver.destroy(spec.sessionId, no), superseded);
    assert.equal((await driver.inspect(handle)).status, 'running');
    await driver.stop(handle, { graceMs: 0, mayAct: yes });
    await driver.destroy(spec.sessionId, yes);
    assert.deepEqual(await driver.list(), []);
  });

  check('of two drivers on one engine one acts on a session at a time', async (harness) => {
    const other = harness.reopen();
    for (let round = 0; round < 3; round += 1) {
      const spec = specFor(harness);
      const second = { ...spec, placeId: newId('place') };
      const tried = await Promise.allSettled([harness.driver.start(spec), other.start(second)]);
      assert.deepEqual(tried.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      const found = (await harness.driver.list()).filter(({ sessionId }) => sessionId === spec.sessionId);
      assert.equal(found.length, 1);
      const again = found[0]?.placeId === spec.placeId ? spec : second;
      const [one, two] = await Promise.all([harness.driver.start(again), other.start(again)]);
      assert.deepEqual([one.handle, two.handle], [found[0]?.handle, found[0]?.handle]);
      await Promise.all([other.destroy(spec.sessionId), harness.driver.stop(one.handle, { graceMs: 0 })]);
      assert.deepEqual(await harness.driver.list(), []);
    }
  });
}

function lostDiskContract(check: Check): void {
  check('a disk that was lost is not made anew unless that is asked for', async (harness) => {
    const { driver, losses, remains } = harness;
    assert.ok(losses.length > 0);
    for (const { how, lose } of losses) {
      const spec = specFor(harness);
      const next = (): PlaceSpec => ({ ...spec, placeId: newId('place'), disk: 'existing' });
      const kept = await driver.start(spec);
      await driver.stop(kept.handle, { graceMs: 0 });
      const again = await driver.start(next());
      assert.equal((await driver.inspect(again.handle)).status, 'running', how);
      await driver.stop(again.handle, { graceMs: 0 });
      await lose(spec.sessionId);
      const left = await remains(spec.sessionId);
      for (const one of [driver, harness.reopen()])
        await assert.rejects(one.start(next()), rejectsWith('disk_gone'), how);
      assert.deepEqual(await driver.list(), [], how);
      assert.deepEqual(await remains(spec.sessionId), left, how);
      await driver.destroy(spec.sessionId);
      const anew = await driver.start({ ...next(), disk: 'new' });
      assert.equal((await driver.inspect(anew.handle)).status, 'running', how);
      await driver.destroy(spec.sessionId);
      assert.deepEqual(await remains(spec.sessionId), [], how);
    }
  });

  check('a session that never had a disk gets none as an existing one', async (harness) => {
    const spec = specFor(harness, { disk: 'existing' });
    await assert.rejects(harness.driver.start(spec), rejectsWith('disk_gone'));
    assert.deepEqual(await harness.remains(spec.sessionId), []);
    assert.deepEqual(await harness.driver.list(), []);
  });
}

function handleContract(check: Check): void {
  check('a new driver finds places, and stops them by handles that went through a store', async (harness) => {
    const specs = [specFor(harness), specFor(harness)];
    for (const spec of specs) await harness.driver.start(spec);
    await harness.driver.close();
    const later = harness.reopen();
    const found = await later.list();
    const wanted = specs.map(({ sessionId, placeId }) => `${sessionId}/${placeId}`);
    assert.deepEqual(found.map(({ sessionId, placeId }) => `${sessionId}/${placeId}`).sort(), wanted.sort());
    for (const { handle } of found) {
      const stored = JSON.parse(JSON.stringify(handle)) as PlaceHandle;
      assert.equal((await later.inspect(stored)).status, 'running');
      await later.stop(stored, { graceMs: 5_000 });
    }
    assert.deepEqual(await later.list(), []);
  });

  check('a handle means its own place, never the next one of the session', async (harness) => {
    const spec = specFor(harness);
    const old = await harness.driver.start(spec);
    await harness.driver.stop(old.handle, { graceMs: 5_000 });
    const next = await harness.driver.start({ ...spec, placeId: newId('place') });
    assert.equal((await harness.driver.inspect(old.handle)).status, 'stopped');
    await harness.driver.stop(old.handle, { graceMs: 0 });
    assert.equal((await harness.driver.inspect(next.handle)).status, 'running');
  });

  check('foreign handles are refused', async ({ driver }) => {
    for (const foreign of [null, 1, 'x', [], {}, { pid: 1 }, { sessionId: '../..', placeId: 'x' }]) {
      await assert.rejects(driver.inspect(foreign), rejectsWith('bad_handle'));
      await assert.rejects(driver.stop(foreign, { graceMs: 0 }), rejectsWith('bad_handle'));
      assert.throws(() => driver.addresses(foreign), rejectsWith('bad_handle'));
    }
  });
}
