// The images that the tests run: built from the Dockerfiles that ship, with the real engine, and kept as archives by the
// hash of all that goes into them. It does not know what tests do with them.
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../run.mjs';
import { baseImage, baseTar, nodeFiles, nodeImage } from './base-images.mjs';
import { cached, keepNewest } from './cache.mjs';
import { startEngine } from './engine.mjs';
import { must } from './tools.mjs';

export const sessionImage = 'remote-claude/session:test';
const context = join(root, 'deploy/docker');
const sessionFiles = ['session.Dockerfile', 'session-init.sh', 'session-monitor.sh'];
const keptArchives = 3;

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

function hashOf(files, parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part}\0`);
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 16);
}

/** Stands for a part of the cache without reading it: an entry is never changed. */
const stampOf = (path) => `${path} ${statSync(path).mtimeMs}`;

/** Builds the session's image and keeps it, and its base, in one archive. */
async function makeSessionArchive(target, { base, node }) {
  console.log('building the session image for the tests');
  const engine = await startEngine({ network: 'host' });
  try {
    await importBase(engine, base);
    await buildNode(engine, node);
    const file = join(context, 'session.Dockerfile');
    await docker(engine, 'build', '--network=host', '--quiet', '--tag', sessionImage, '--file', file, context);
    await docker(engine, 'save', '--output', target, baseImage, sessionImage);
  } finally {
    await engine.close();
  }
}

/** The path of an archive for `docker load`, with the base's image and the session's. */
export async function sessionArchive({ debootstrapPath }) {
  const base = await baseTar(debootstrapPath);
  const node = await nodeFiles();
  const hash = hashOf(
    sessionFiles.map((name) => join(context, name)),
    [stampOf(base), stampOf(node)],
  );
  const path = await cached(`session-${hash}.tar`, (target) => makeSessionArchive(target, { base, node }));
  keepNewest(path, 'session-', keptArchives);
  return path;
}

export async function loadImages(engine, archive) {
  await docker(engine, 'load', '--quiet', '--input', archive);
}
