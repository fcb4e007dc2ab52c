// What the vitest project `containers` starts before its tests and ends after them: an engine with the images in it. It
// does not know the tests. packages/compute/src/testing/engine.ts says what they get.
import { baseImage } from '../../scripts/lib/containers/base-images.mjs';
import { startEngine } from '../../scripts/lib/containers/engine.mjs';
import { loadImages, sessionArchive, sessionImage } from '../../scripts/lib/containers/images.mjs';
import { ensureContainerTools } from '../../scripts/lib/containers/tools.mjs';

let engine;

export async function setup(project) {
  const begun = performance.now();
  const archive = await sessionArchive(await ensureContainerTools());
  engine = await startEngine({ tls: true });
  try {
    await loadImages(engine, archive);
  } catch (error) {
    await engine.close();
    throw error;
  }
  const { socketPath, tls, dockerPath, composePath, env, address, hostAddress, pidFile, logPath } = engine;
  const { host, port, caPath, certificatePath, keyPath } = tls;
  project.provide('engine', {
    ...{ socketPath, dockerPath, composePath, env, address, hostAddress, pidFile, logPath },
    tls: { host, port, caPath, certificatePath, keyPath },
    sessionImage,
    baseImage,
    runtimes: ['runc', 'runsc'],
  });
  process.stdout.write(`the container engine was ready after ${((performance.now() - begun) / 1_000).toFixed(1)} s\n`);
}

export async function teardown() {
  await engine?.close();
}
