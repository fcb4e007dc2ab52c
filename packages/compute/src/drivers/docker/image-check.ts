/**
 * Whether a place can be made of an image that somebody brought: looked for in a container that never runs, so that nothing of
 * the image is run. It knows what the programs that are mounted in need of a system; it does not know who wants the image.
 */
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { extract } from 'tar-stream';
import { ComputeError } from '../../driver.js';
import { orNull, statusOf, unlessSo } from './client.js';
import type { EngineClient } from './client.js';
import { helperFor } from './template.js';

export interface ImageFinding {
  what: string;
  mend: string;
  /** No place can be made of it; else something works less well. */
  isFatal: boolean;
}

export interface ImageChecks {
  /** What is wrong with an image that the engine has; remembered by its content. */
  look(image: string): Promise<ImageFinding[]>;
  /** Errors: `prepare_failed` with all that keeps places from being made of it. */
  require(image: string): Promise<void>;
}

/** What the Node that comes with the agent was built for. */
const leastGlibc = [2, 28] as const;
/** A C library has some 2 MB. */
const maxLibraryBytes = 32 * 2 ** 20;
const maxLinks = 8;

const architectures: Record<string, { loader: string; musl: string; libraries: string }> = {
  amd64: {
    loader: '/lib64/ld-linux-x86-64.so.2',
    musl: '/lib/ld-musl-x86_64.so.1',
    libraries: 'x86_64-linux-gnu',
  },
  arm64: {
    loader: '/lib/ld-linux-aarch64.so.1',
    musl: '/lib/ld-musl-aarch64.so.1',
    libraries: 'aarch64-linux-gnu',
  },
};

const certificates = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
];
const useDebian = 'Use an image of Debian 10 or newer, Ubuntu 20.04 or newer, or what is made of them.';
const install = (name: string): string => `Add it in the image: RUN apt-get update && apt-get install --yes ${name}`;

export function createImageChecks(deps: { client: EngineClient; installation: string }): ImageChecks {
  const known = new Map<string, Promise<ImageFinding[]>>();

  const look = async (image: string): Promise<ImageFinding[]> => {
    const docker = await deps.client();
    const { Id: id, Os: os, Architecture: architecture } = await docker.getImage(image).inspect();
    const before = known.get(id);
    if (before !== undefined) return before;
    const found = (async (): Promise<ImageFinding[]> => {
      const { Arch: own } = await docker.version();
      const machine = machineFinding({ os, architecture, own });
      if (machine !== null) return [machine];
      const template = helperFor({ naming: deps, rules: { image } }, { volumes: [], binds: [] });
      const container = await docker.createContainer(template);
      try {
        return await lookInside(container, own);
      } finally {
        await unlessSo(container.remove({ force: true, v: true }));
      }
    })();
    known.set(id, found);
    found.catch(() => known.delete(id));
    return found;
  };

  return {
    look,
    async require(image) {
      const fatal = (await look(image)).filter(({ isFatal }) => isFatal);
      if (fatal.length === 0) return;
      const words = fatal.map(({ what, mend }) => `${what} ${mend}`).join(' ');
      throw new ComputeError('prepare_failed', `No session can be made of the image ${image}. ${words}`);
    },
  };
}

function machineFinding({
  os,
  architecture,
  own,
}: {
  os: string;
  architecture: string;
  own: string;
}): ImageFinding | null {
  // An engine that does not say it leaves it to be seen at the start.
  if (os === undefined || (os === 'linux' && architecture === own)) return null;
  const what = `It is for ${os} on ${architecture}, and this engine runs linux on ${own}.`;
  return { what, mend: `Build or name it for linux/${own}.`, isFatal: true };
}

async function lookInside(container: Docker.Container, architecture: string): Promise<ImageFinding[]> {
  const has = async (paths: readonly string[]): Promise<boolean> => {
    for (const path of paths) if ((await find(container, path)) !== null) return true;
    return false;
  };
  const findings: ImageFinding[] = [];
  const missing = async (paths: readonly string[], finding: ImageFinding): Promise<void> => {
    if (!(await has(paths))) findings.push(finding);
  };
  const system = architectures[architecture];
  if (system !== undefined) {
    const library = await libraryFinding(container, system);
    if (library !== null) findings.push(library);
  }
  await missing(['/bin/sh'], { what: 'It has no /bin/sh.', mend: useDebian, isFatal: true });
  await missing(['/bin/bash'], { what: 'It has no /bin/bash.', mend: install('bash'), isFatal: true });
  await missing(['/usr/bin/git', '/usr/local/bin/git', '/bin/git'], {
    what: 'It has no git.',
    mend: install('git'),
    isFatal: true,
  });
  await missing(['/usr/bin/flock', '/bin/flock', '/usr/local/bin/flock'], {
    what: 'It has no flock, without which no set-up script can be run.',
    mend: install('util-linux'),
    isFatal: false,
  });
  await missing(certificates, {
    what: 'It has no certificates of authorities, so that no program in it can check an address by https.',
    mend: install('ca-certificates'),
    isFatal: false,
  });
  return findings;
}

async function libraryFinding(
  container: Docker.Container,
  { loader, musl, libraries }: { loader: string; musl: string; libraries: string },
): Promise<ImageFinding | null> {
  if ((await find(container, loader)) === null) {
    const isMusl = (await find(container, musl)) !== null;
    const what = isMusl
      ? 'It is made with musl, as Alpine is, and Node and Claude Code need glibc.'
      : 'It has no glibc, which Node and Claude Code need.';
    return { what, mend: useDebian, isFatal: true };
  }
  const folders = [`/lib/${libraries}`, `/usr/lib/${libraries}`, '/lib64', '/usr/lib64', '/lib', '/usr/lib'];
  for (const folder of folders) {
    const path = await find(container, `${folder}/libc.so.6`);
    if (path === null) continue;
    const version = await versionOf(container, path);
    if (version === null) return null;
    const [major, minor] = version;
    if (major > leastGlibc[0] || (major === leastGlibc[0] && minor >= leastGlibc[1])) return null;
    const what = `Its glibc is ${major}.${minor}, and Node and Claude Code need ${leastGlibc.join('.')}.`;
    return { what, mend: useDebian, isFatal: true };
  }
  return null;
}

/** Where a file is once links are followed; null where there is none. */
async function find(container: Docker.Container, path: string): Promise<string | null> {
  let at = path;
  for (let followed = 0; followed < maxLinks; followed += 1) {
    const asked = container.infoArchive({ path: at }).catch((error: unknown) => {
      // What an engine says to links that lead in a circle.
      if (statusOf(error) === 500) return null;
      throw error;
    });
    const answer = (await orNull(asked)) as { headers?: Record<string, unknown> } | null;
    if (answer === null) return null;
    const target = linkTargetOf(answer.headers?.['x-docker-container-path-stat']);
    if (target === '' || target === at) return at;
    at = target;
  }
  return null;
}

function linkTargetOf(said: unknown): string {
  if (typeof said !== 'string') return '';
  try {
    const { linkTarget } = JSON.parse(Buffer.from(said, 'base64').toString('utf8')) as { linkTarget?: unknown };
    return typeof linkTarget === 'string' ? linkTarget : '';
  } catch {
    return '';
  }
}

/** The library says it of itself; null where this one does not. */
async function versionOf(container: Docker.Container, path: string): Promise<[number, number] | null> {
  const stream = await orNull(container.getArchive({ path }));
  if (stream === null) return null;
  const archive = extract();
  stream.pipe(archive);
  stream.on('error', (error: Error) => archive.destroy(error));
  try {
    for await (const entry of archive) {
      // It would be the only one: a folder of that name is no library.
      if (entry.header.type !== 'file' || (entry.header.size ?? 0) > maxLibraryBytes) return null;
      const parts: Buffer[] = [];
      for await (const part of entry) parts.push(part as Buffer);
      const said = /GNU C Library [^\n\0]{0,200}version (\d+)\.(\d+)/.exec(Buffer.concat(parts).toString('latin1'));
      return said === null ? null : [Number(said[1]), Number(said[2])];
    }
    return null;
  } finally {
    (stream as Readable).destroy();
  }
}
