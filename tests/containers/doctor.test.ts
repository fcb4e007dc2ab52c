// `remote-claude doctor` beside a container engine: one that can run sessions, and what keeps it from that.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { providedEngine } from '@remote-claude/compute/testing';
import type { Finding } from '@remote-claude/server';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { builtEnv } from '../support/config.js';

const program = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rc-doctor-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const engineFindings = async (image: string, runtime: string): Promise<Finding[]> => {
  const file = join(folder, 'config.yaml');
  const { socketPath } = providedEngine();
  await writeFile(
    file,
    `compute: { driver: docker, image: "${image}", docker: { host: "unix://${socketPath}" }, limits: { openFiles: 16384 } }
security: { container: { runtime: ${runtime} } }
claude: { baseUrl: "http://127.0.0.1:9" }
`,
  );
  const args = [program, 'doctor', '--json', '--config', file, '--data-dir', join(folder, 'data')];
  const child = spawn(process.execPath, args, { env: builtEnv(), stdio: ['ignore', 'pipe', 'inherit'] });
  const findings = (await text(child.stdout))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Finding);
  return findings.filter(({ topic }) => topic === 'container engine');
};

it.each(['runc', 'runsc'])('an engine that can run sessions is in order, with %s', async (runtime) => {
  const found = await engineFindings(providedEngine().sessionImage, runtime);
  expect(found.filter(({ state }) => state === 'problem')).toEqual([]);
  expect(found.length).toBeGreaterThan(0);
});

it.each([
  ['an image that it does not have', 'nobody-has-this:1', 'runc', /does not have the image nobody-has-this:1/],
  ['a runtime that it does not know', null, 'kata', /does not know the runtime kata; it knows/],
])('names %s', async (_what, image, runtime, said) => {
  const found = await engineFindings(image ?? providedEngine().sessionImage, runtime);
  expect(found).toMatchObject([
    { state: 'problem', what: expect.stringMatching(said), mend: expect.stringMatching(/\w/) },
  ]);
});
