import { describe, expect, it } from 'vitest';
import { runDriverConformance } from '../../testing/conformance.js';
import { makeDockerHarness } from '../../testing/docker/harness.js';
import { providedEngine } from '../../testing/engine.js';
import { createEngineClient } from './client.js';
import { askEngineId, createDockerDriver } from './driver.js';
import { markerVolume } from './identity.js';
import { disksOf, labels } from './names.js';

const { socketPath, sessionImage: image } = providedEngine();
const host = `unix://${socketPath}`;

runDriverConformance({
  name: 'docker with runc',
  places: 'isolated',
  limits: true,
  makeHarness: () => makeDockerHarness({ host, image, runtime: 'runc' }),
  describe,
  it,
});

// This release of gVisor is run without cgroups, see the engine's settings.
runDriverConformance({
  name: 'docker with gVisor',
  places: 'isolated',
  limits: false,
  makeHarness: () => makeDockerHarness({ host, image, runtime: 'runsc' }),
  describe,
  it,
});

describe('docker alone', () => {
  it('removes a session whose preparation a server did not survive', async () => {
    const harness = await makeDockerHarness({ host, image, runtime: 'runc' });
    try {
      const { prefix, installation, socketDir } = harness.options;
      const spec = {
        sessionId: 's1',
        placeId: 'p1',
        disk: 'new' as const,
        command: harness.commands.idle,
        ...harness.base,
      };
      const { handle } = await harness.driver.start(spec);
      const docker = await createEngineClient({ host, tls: null })();
      const [disk] = disksOf({ prefix, installation, socketDir }, 's1');
      const left = await docker.createContainer({
        Image: image,
        Labels: { [labels.installation]: installation, [labels.session]: 's1', [labels.helper]: 'true' },
        HostConfig: { Mounts: [{ Type: 'volume', Source: disk?.name ?? '', Target: '/workspace' }] },
      });
      await harness.driver.destroy('s1');
      expect((await harness.driver.inspect(handle)).status).toBe('stopped');
      await expect(left.inspect()).rejects.toMatchObject({ statusCode: 404 });
      await expect(docker.getVolume(disk?.name ?? '').inspect()).rejects.toMatchObject({ statusCode: 404 });
    } finally {
      await harness.close();
    }
  });

  it('starts nothing on an engine that has not the disks', async () => {
    const harness = await makeDockerHarness({ host, image, runtime: 'runc' });
    const other = createDockerDriver({ ...harness.options, engineId: 'another' });
    const spec = {
      sessionId: 's2',
      placeId: 'p2',
      disk: 'new' as const,
      command: harness.commands.idle,
      ...harness.base,
    };
    await expect(other.start(spec)).rejects.toMatchObject({ code: 'not_ready' });
    expect(await harness.driver.list()).toEqual([]);
    await other.close();
    await harness.close();
  });

  it('is known by its volume of that name, also after another engine was put in its place', async () => {
    const harness = await makeDockerHarness({ host, image, runtime: 'runc' });
    const { engine, prefix, installation, engineId } = harness.options;
    const ask = (make: boolean) => askEngineId({ engine, prefix, installation, make });
    expect(await Promise.all([ask(true), ask(true), ask(false)])).toEqual([engineId, engineId, engineId]);
    // As a backup of that engine's volumes was brought to this one.
    const docker = await createEngineClient(engine)();
    const marker = docker.getVolume(markerVolume({ prefix }));
    const before = '00000000-0000-4000-8000-000000000001';
    await marker.remove();
    await docker.createVolume({
      Name: markerVolume({ prefix }),
      Labels: { [labels.installation]: installation, [labels.engine]: before },
    });
    expect(await ask(true)).toBe(before);
    const restored = createDockerDriver({ ...harness.options, engineId: before });
    const spec = {
      sessionId: 's7',
      placeId: 'p7',
      disk: 'new' as const,
      command: harness.commands.idle,
      ...harness.base,
    };
    await expect(harness.driver.start(spec)).rejects.toMatchObject({ code: 'not_ready' });
    const { handle } = await restored.start(spec);
    expect((await restored.inspect(handle)).status).toBe('running');
    await restored.destroy('s7');
    await restored.close();
    await marker.remove();
    await docker.createVolume({ Name: markerVolume({ prefix }), Labels: { [labels.installation]: installation } });
    await expect(ask(true)).rejects.toMatchObject({
      code: 'not_ready',
      message: expect.stringContaining('its labels'),
    });
    await marker.remove();
    await harness.close();
  });

  it('leaves what it began to whoever looks after the session by then', async () => {
    const harness = await makeDockerHarness({ host, image, runtime: 'runc' });
    const spec = {
      sessionId: 's4',
      placeId: 'p4',
      disk: 'new' as const,
      command: harness.commands.idle,
      ...harness.base,
    };
    let asked = 0;
    const late = harness.driver.start(
      spec,
      () => {},
      () => (asked += 1) === 1,
    );
    await expect(late).rejects.toMatchObject({ code: 'superseded' });
    expect(asked).toBe(2);
    const [found] = await harness.driver.list();
    expect((await harness.driver.inspect(found?.handle ?? null)).status).toBe('starting');
    const { handle } = await harness.reopen().start(spec);
    expect(handle).toEqual(found?.handle);
    expect((await harness.driver.inspect(handle)).status).toBe('running');
    await harness.close();
  });

  it('brings the files of the server again where their volume was removed', async () => {
    const harness = await makeDockerHarness({ host, image, runtime: 'runc' });
    const { mount, name } = harness.inside.mountedFile;
    const command = ['/bin/sh', '-c', `cat ${mount.target}/${name} && exec sleep 100000`];
    const start = (id: string) =>
      harness.driver.start({ sessionId: id, placeId: `p-${id}`, disk: 'new', command, ...harness.base });
    const first = await start('s5');
    await harness.driver.stop(first.handle, { graceMs: 0 });
    const docker = await createEngineClient({ host, tls: null })();
    const label = [`${labels.installation}=${harness.options.installation}`, labels.files];
    const { Volumes: volumes } = await docker.listVolumes({ filters: { label } });
    expect(volumes).toHaveLength(1);
    await docker.getVolume(volumes[0]?.Name ?? '').remove();
    const second = await start('s6');
    expect((await harness.driver.inspect(second.handle)).status).toBe('running');
    await harness.close();
  });

  it('prepares once for two servers that are at it at once, and on the engine that has the disks alone', async () => {
    const harness = await makeDockerHarness({ host, image, runtime: 'runc' });
    const drivers = [harness.driver, harness.reopen()];
    const percents = await Promise.all(
      drivers.map(async (driver) => {
        const told: (number | null)[] = [];
        await driver.prepare(harness.base, ({ percent }) => told.push(percent));
        return told.filter((percent) => percent !== null);
      }),
    );
    expect(percents.filter((told) => told.length > 0)).toHaveLength(1);
    const other = createDockerDriver({ ...harness.options, engineId: 'another' });
    await expect(other.prepare(harness.base)).rejects.toMatchObject({ code: 'not_ready' });
    await other.close();
    await harness.close();
  });

  it('says which program an image lacks, and which image the engine lacks', async () => {
    const harness = await makeDockerHarness({ host, image, runtime: 'runc' });
    const spec = {
      sessionId: 's3',
      placeId: 'p3',
      disk: 'new' as const,
      command: ['/no/such/program'],
      ...harness.base,
    };
    await expect(harness.driver.start(spec)).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining('/no/such/program'),
    });
    expect(await harness.driver.list()).toEqual([]);
    const unknown = createDockerDriver({ ...harness.options, image: 'localhost:1/none:none' });
    expect((await unknown.probe()).problems[0]?.what).toContain('localhost:1/none:none');
    await expect(unknown.start({ ...spec, command: harness.commands.idle })).rejects.toMatchObject({
      code: 'prepare_failed',
      message: expect.stringContaining('localhost:1/none:none'),
    });
    await unknown.close();
    await harness.driver.destroy('s3');
    await harness.close();
  });
});
