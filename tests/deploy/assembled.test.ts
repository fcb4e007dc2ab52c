// The folder that the server's image is made of: it starts wherever it lies, with nothing of this repository around it.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { builtEnv } from '../support/config.js';
import { until } from '../support/wait.js';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../scripts/assemble.mjs', import.meta.url));
const assemble = (target: string) => run(process.execPath, [script, target], { env: builtEnv() });

let folder: string;
let server: ChildProcess | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-deploy-'));
  // As root the database runs as another user, who must pass through.
  await chmod(folder, 0o711);
});

afterAll(async () => {
  if (server?.exitCode === null) {
    server.kill('SIGKILL');
    await once(server, 'close');
  }
  await rm(folder, { recursive: true, force: true });
});

describe('the assembled folder', () => {
  it('starts elsewhere, prints the link that sets it up, and ends in order', async () => {
    await assemble(join(folder, 'made'));
    const place = join(folder, 'elsewhere');
    await rename(join(folder, 'made'), place);

    const flags = ['serve', '--port', '0', '--data-dir', join(folder, 'data')];
    const child = spawn(process.execPath, [join(place, 'apps/cli/dist/main.js'), ...flags], {
      env: builtEnv(),
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    server = child;
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()));
    const link = await until(() => /^Set it up with this one-time link: (\S+)$/m.exec(said)?.[1], {
      timeoutMs: 120_000,
      what: () => `the link, in: ${said}`,
    });
    const page = await fetch(new URL('/', link));
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    expect((await fetch(new URL('/healthz', link))).status).toBe(200);

    child.kill('SIGTERM');
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code, said).toBe(0);
  });

  it('holds the papers and the configuration that is explained, and nothing of the development', async () => {
    const place = join(folder, 'elsewhere');
    expect((await readdir(place)).toSorted()).toEqual([
      'LICENSE',
      'NOTICE',
      'apps',
      'config',
      'deploy',
      'node_modules',
      'packages',
    ]);
    expect(await readFile(join(place, 'config/remote-claude.yaml'), 'utf8')).toContain('every key, with its default');
    const names = await readdir(place, { recursive: true });
    const ofDevelopment = [
      /^(?:apps|packages)\/[^/]+\/src$/,
      /^(?:apps|packages)\/.*\.(?:test\.js|tsbuildinfo)$/,
      /^node_modules\/(?:typescript|vitest|esbuild|next|react)$/,
    ];
    expect(names.filter((name) => ofDevelopment.some((pattern) => pattern.test(name)))).toEqual([]);
  });

  it('is made anew over itself, and never over something else', async () => {
    const other = join(folder, 'other');
    await mkdir(other);
    await writeFile(join(other, 'letter.txt'), 'dear');
    await expect(assemble(other)).rejects.toMatchObject({ stderr: expect.stringContaining('left as it is') });
    expect(await readdir(other)).toEqual(['letter.txt']);

    const place = join(folder, 'elsewhere');
    await rm(join(place, 'LICENSE'));
    await assemble(place);
    expect(await readdir(place)).toContain('LICENSE');
  });
});
