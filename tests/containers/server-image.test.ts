// The server's image as it is built from deploy/docker: it starts with what it brings, with a read-only root and as an
// ordinary user, says how it is, ends in order, and finds its data again.

import { randomUUID } from 'node:crypto';
import { get } from 'node:http';
import { providedEngine } from '@remote-claude/compute/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { docker } from '../support/container.js';
import { until } from '../support/wait.js';

const { serverImage, address } = providedEngine();
const name = `server-${randomUUID()}`;
const volume = `${name}-data`;

const must = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await docker(args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
};
const health = (): Promise<string> => must('inspect', '--format', '{{.State.Health.Status}}', name);
const untilHealthy = (): Promise<unknown> =>
  until(async () => (await health()) === 'healthy', { timeoutMs: 120_000, what: 'the server to be healthy' });
const portOf = async (): Promise<string> =>
  (await must('port', name, '3000/tcp')).split('\n')[0]?.split(':').at(-1) ?? '';
/** Under the name that the server knows itself by: it answers to no other. */
const askFor = async (path: string): Promise<{ status: number | undefined; type: string | undefined }> => {
  const port = await portOf();
  return new Promise((resolve, reject) => {
    get({ host: address, port, path, headers: { host: 'localhost:3000' } }, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode, type: answer.headers['content-type'] });
    }).once('error', reject);
  });
};

beforeAll(async () => {
  const hardened = ['--read-only', '--tmpfs=/tmp', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--init'];
  const way = ['--publish=3000', `--volume=${volume}:/var/lib/remote-claude`, '--health-interval=1s'];
  await must('run', '--detach', `--name=${name}`, ...hardened, ...way, serverImage);
});

afterAll(async () => {
  await docker(['rm', '--force', name]);
  await docker(['volume', 'rm', '--force', volume]);
});

describe('the server image', () => {
  it('starts, becomes healthy, and prints the link that sets it up', async () => {
    await untilHealthy();
    expect((await askFor('/readyz')).type).toContain('application/json');
    expect(await must('logs', name)).toMatch(/Set it up with this one-time link: http:\/\/\S+/);
  });

  it('runs as nobody in particular', async () => {
    const said = await must(
      'exec',
      name,
      'sh',
      '-c',
      'id -u; id -g; stat -c "%u %a" /var/lib/remote-claude; touch /opt/x 2>&1; :',
    );
    const [uid, gid, data, refused] = said.split('\n');
    expect([uid, gid, data]).toEqual(['10001', '10001', '10001 700']);
    expect(refused).toContain('Read-only file system');
  });

  it('ends in order when it is told to, and finds its data again', async () => {
    await must('stop', '--time=60', name);
    expect(await must('inspect', '--format', '{{.State.ExitCode}}', name)).toBe('0');
    await must('start', name);
    await untilHealthy();
    expect(await askFor('/')).toMatchObject({ status: 200, type: expect.stringContaining('text/html') });
  });

  it('a server that does not answer is unhealthy', async () => {
    const { code, stdout } = await docker(
      ['run', '--rm', '--network=none', '--entrypoint=node', serverImage].concat(
        '/opt/remote-claude/deploy/docker/server-health.mjs',
      ),
    );
    expect([code, stdout.trim()]).toEqual([1, 'nothing listens here']);
  });

  it('holds no tool that installs or builds, and no program that makes one another user', async () => {
    const script =
      'for t in npm npx yarn gcc make git curl; do command -v $t; done; find / -xdev -type f -perm /6000; :';
    const said = await docker([
      'run',
      '--rm',
      '--network=none',
      '--user=0:0',
      '--entrypoint=sh',
      serverImage,
      '-c',
      script,
    ]);
    expect(said).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
