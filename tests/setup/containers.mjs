// What the vitest project `containers` starts before its tests and ends after them: an engine with the images in it. It
// does not know the tests. packages/compute/src/testing/engine.ts says what they get.
import { readFileSync } from 'node:fs';

import { baseImage } from '../../scripts/lib/containers/base-images.mjs';
import { startEngine } from '../../scripts/lib/containers/engine.mjs';
import {
  buildServerImage,
  preparedImages,
  serverImage,
  servicesImage,
  sessionImage,
} from '../../scripts/lib/containers/images.mjs';

let engine;

/** Whether a test of this run asks for the server's image, which takes half a minute. */
async function needsServer(project) {
  const { testFiles } = await project.globTestFiles(project.vitest.filenamePattern);
  return testFiles.some((path) => readFileSync(path, 'utf8').includes('serverImage'));
}

export async function setup(project) {
  const begun = performance.now();
  engine = await startEngine({ tls: true, images: await preparedImages() });
  try {
    if (await needsServer(project)) await buildServerImage(engine);
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
    serverImage,
    servicesImage,
    baseImage,
    runtimes: ['runc', 'runsc'],
  });
  process.stdout.write(`the container engine was ready after ${((performance.now() - begun) / 1_000).toFixed(1)} s\n`);
}

export async function teardown() {
  await engine?.close();
}
