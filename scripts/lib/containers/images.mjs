// The images that the tests run: built from the Dockerfiles that ship, with the real engine, and kept by the hash of all
// that goes into them. It does not know what tests do with them.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble } from '../assemble.mjs';
import { plainError, root } from '../run.mjs';
import { baseImage, baseTar, nodeFiles, nodeImage } from './base-images.mjs';
import { cached, keepNewest } from './cache.mjs';
import { startEngine } from './engine.mjs';
import { ensureContainerTools, must } from './tools.mjs';

export const sessionImage = 'remote-claude/session:test';
export const serverImage = 'remote-claude/server:test';
/** PostgreSQL, Redis and nginx in one, for what Compose starts beside the server. */
export const servicesImage = 'remote-claude/services:test';
const context = join(root, 'deploy/docker');
const sessionFiles = ['session.Dockerfile', 'session-init.sh', 'session-monitor.sh'].map((name) => join(context, name));
const servicesContext = join(root, 'tests/containers');
const servicesFiles = ['services.Dockerfile', 'postgres-entry.sh'].map((name) => join(servicesContext, name));
const keptSets = 3;

const docker = (engine, ...args) => must(engine.dockerPath, args, { env: engine.env });

async function importBase(engine, tar) {
  await docker(engine, 'import', '--change', 'CMD ["bash"]', tar, baseImage);
}

async function buildNode(engine, folder) {
  const work = mkdtempSync(join(tmpdir(), 'rc-image-'));
  try {
    cpSync(folder, join(work, 'files'), { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(work, 'Dockerfile'), `FROM ${baseImage}\nCOPY files/ /usr/local/\nCMD ["node"]\n`);
    await docker(engine, 'build', '--quiet', '--tag', nodeImage, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Of the images' sources, and of entries of the cache, which are never changed. */
function hashOf(files, entries) {
  const hash = createHash('sha256');
  for (const entry of entries) hash.update(`${entry} ${statSync(entry).mtimeMs}\0`);
  for (const file of files) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 16);
}

/** Builds in an engine that has the machine's network, for the packages that a build fetches. */
async function makeImages(target, { base, node }) {
  console.log('building the images that the tests of containers use');
  const engine = await startEngine({ network: 'host' });
  try {
    await importBase(engine, base);
    await buildNode(engine, node);
    const [file] = sessionFiles;
    const build = ['build', '--network=host', '--quiet'];
    await docker(engine, ...build, '--tag', sessionImage, '--file', file, context);
    await docker(engine, ...build, '--tag', servicesImage, '--file', servicesFiles[0], servicesContext);
    await docker(engine, 'builder', 'prune', '--all', '--force');
    await engine.takeImages(target);
  } finally {
    await engine.close();
  }
}

/** The folder with Debian, Node and the session's image, for `startEngine`. The first time it takes a minute or two. */
export async function preparedImages() {
  const { debootstrapPath } = await ensureContainerTools();
  const base = await baseTar(debootstrapPath);
  const node = await nodeFiles();
  const name = `images-${hashOf([...sessionFiles, ...servicesFiles], [base, node])}`;
  const path = await cached(name, (target) => makeImages(target, { base, node }));
  keepNewest(path, 'images-', keptSets);
  return path;
}

/** The Dockerfile that ships, with the folder that was assembled here in place of the stage that builds it. */
function withoutBuilding(dockerfile) {
  const stages = dockerfile.split(/^(?=FROM )/m);
  const [head, build, final] = stages;
  const isAsKnown =
    stages.length === 3 &&
    build.startsWith('FROM ${NODE_IMAGE} AS build\n') &&
    final.startsWith('FROM ${NODE_IMAGE}\n') &&
    final.includes('COPY --from=build /assembled ');
  if (!isAsKnown) throw plainError('server.Dockerfile has other stages than the tests know: head, build, final.');
  return `${head}FROM scratch AS build\nCOPY . /assembled\n\n${final}`;
}

/** Builds the server's image, in an engine with the prepared images, from what was built on this machine. */
export async function buildServerImage(engine) {
  const work = mkdtempSync(join(tmpdir(), 'rc-server-'));
  try {
    const folder = join(work, 'assembled');
    assemble(folder);
    const file = join(work, 'Dockerfile');
    writeFileSync(file, withoutBuilding(readFileSync(join(context, 'server.Dockerfile'), 'utf8')));
    await docker(engine, 'build', '--quiet', '--tag', serverImage, '--file', file, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
