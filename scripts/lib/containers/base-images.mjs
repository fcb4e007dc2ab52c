// Stand-ins for the base images of the Dockerfiles, where no registry of images can be reached: Debian by debootstrap, and
// Node laid over it from npm. They have the names of what they stand for, so the Dockerfiles are built as they are.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnv } from '../child-env.mjs';
import { cached } from './cache.mjs';
import { debianArchives, must } from './tools.mjs';

const suite = 'bookworm';
export const baseImage = 'debian:bookworm-slim';
export const nodeImage = 'node:22-bookworm-slim';
const nodeRange = '^22.0.0';
const npmRange = '^10.0.0';

/** What apt of this machine is told about proxies: inside a build it has to go the same way. */
async function aptSettings() {
  const dump = await must('apt-config', ['dump', 'Acquire']);
  return dump
    .split('\n')
    .filter((line) => /^Acquire::(?:https?::Proxy|Check-)/.test(line))
    .join('\n');
}

/** Packages and settings as the machine has them, without what a slim image leaves out. */
async function bootstrap(tar, debootstrapPath) {
  const work = mkdtempSync(join(tmpdir(), 'rc-base-'));
  const root = join(work, 'root');
  try {
    const archives = await debianArchives(suite);
    const args = ['--variant=minbase', suite, root, archives[0].uri];
    await must(debootstrapPath, args, { env: childEnv({ DEBIAN_FRONTEND: 'noninteractive' }) });
    const sources = archives.map(({ uri, codename }) => `deb ${uri} ${codename} main`);
    writeFileSync(join(root, 'etc/apt/sources.list'), `${sources.join('\n')}\n`);
    writeFileSync(join(root, 'etc/apt/apt.conf.d/90-machine'), `${await aptSettings()}\n`);
    for (const folder of ['var/cache/apt/archives', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man'])
      for (const name of readdirSync(join(root, folder)))
        rmSync(join(root, folder, name), { recursive: true, force: true });
    await must('tar', ['--create', '--numeric-owner', '--one-file-system', '--file', tar, '--directory', root, '.']);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export const baseTar = (debootstrapPath) =>
  cached(`base-${suite}-${process.arch}.tar`, (path) => bootstrap(path, debootstrapPath));

/** Unpacks one package of npm, without running anything of it, to a folder. */
async function unpackPackage(name, work, target) {
  const folder = mkdtempSync(join(work, 'package-'));
  await must('npm', ['pack', '--silent', '--pack-destination', folder, name]);
  const [archive] = readdirSync(folder);
  mkdirSync(target, { recursive: true });
  await must('tar', [
    '--extract',
    '--no-same-owner',
    '--strip-components=1',
    '--file',
    join(folder, archive),
    '--directory',
    target,
  ]);
}

/** What a Node image has in /usr/local. */
export const nodeFiles = () =>
  cached(`node-22-${process.arch}`, async (path) => {
    const work = mkdtempSync(join(tmpdir(), 'rc-node-'));
    try {
      await unpackPackage(`node-linux-${process.arch}@${nodeRange}`, work, join(work, 'node'));
      mkdirSync(join(path, 'bin'), { recursive: true });
      cpSync(join(work, 'node/bin/node'), join(path, 'bin/node'));
      await unpackPackage(`npm@${npmRange}`, work, join(path, 'lib/node_modules/npm'));
      for (const name of ['npm', 'npx'])
        symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(path, 'bin', name));
      await must('chmod', ['-R', 'u=rwX,go=rX', path]);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
