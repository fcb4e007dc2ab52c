// What a run of vitest starts before the tests of the projects that need an engine, and ends after them: one for all of them,
// with the images in it. It does not know the tests. packages/compute/src/testing/engine.ts says what they get.
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

/** Those of vitest.config.ts that ask for the engine. */
const inContainers = ['containers', 'gvisor'];

let engine;

/** The files of these projects that this run is about. */
async function filesOf({ vitest }) {
  const projects = vitest.projects.filter(({ name }) => inContainers.includes(name));
  const found = await Promise.all(projects.map((project) => project.globTestFiles(vitest.filenamePattern)));
  return found.flatMap(({ testFiles }) => testFiles);
}

export async function setup(project) {
  const files = await filesOf(project);
  if (files.length === 0) return;
  const begun = performance.now();
  engine = await startEngine({ tls: true, images: await preparedImages() });
  try {
    // It takes half a minute, and few ask for it.
    if (files.some((path) => readFileSync(path, 'utf8').includes('serverImage'))) await buildServerImage(engine);
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
