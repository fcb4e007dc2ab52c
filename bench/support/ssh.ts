// A shell over ssh: a server and a client of the machine's own OpenSSH on loopback, with keys made for the occasion.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { builtEnv } from '../../tests/support/config.js';
import { findProgram } from './programs.js';
import { noPeer } from './report.js';
import { untilOutput, type PeerShell } from './shells.js';
import { freePort } from './started.js';

const run = promisify(execFile);

const end = async (child: ChildProcess): Promise<void> => {
  // What it started may hold the other ends a while longer; nobody waits for that.
  for (const stream of [child.stdout, child.stderr]) stream?.destroy();
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await ended;
};

/** Why there is none, where there is none. */
export const openSsh = async (): Promise<PeerShell | string> => {
  const [server, client, keygen] = [
    await findProgram('sshd'),
    await findProgram('ssh'),
    await findProgram('ssh-keygen'),
  ];
  if (server === null || client === null || keygen === null) return noPeer('not installed');
  const folder = await mkdtemp(join(tmpdir(), 'rc-ssh-'));
  const file = (name: string): string => join(folder, name);
  const port = await freePort();
  for (const name of ['host', 'user']) await run(keygen, ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
  const settings = {
    Port: port,
    ListenAddress: '127.0.0.1',
    HostKey: file('host'),
    AuthorizedKeysFile: file('user.pub'),
    StrictModes: 'no',
    UsePAM: 'no',
    PermitRootLogin: 'yes',
    PidFile: 'none',
    PrintMotd: 'no',
    PrintLastLog: 'no',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  await writeFile(file('settings'), lines.join(''));

  const daemon = spawn(server, ['-D', '-e', '-f', file('settings')], {
    env: builtEnv(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  const listens = new Promise<boolean>((resolve) => {
    daemon.stderr.setEncoding('utf8').on('data', (more: string) => {
      said += more;
      if (said.includes('Server listening')) resolve(true);
    });
    daemon.once('error', (error) => resolve(((said += error.message), false)));
    daemon.once('exit', () => resolve(false));
  });
  if (!(await listens)) {
    await rm(folder, { recursive: true, force: true });
    return noPeer(`sshd does not start: ${said.trim().replaceAll(/\s+/g, ' ').slice(0, 120)}`);
  }

  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
  const child = spawn(
    client,
    [
      ...['-tt', '-F', '/dev/null', '-i', file('user'), '-p', String(port)],
      ...options.flatMap((option) => ['-o', option]),
      ...[`${userInfo().username}@127.0.0.1`, 'exec bash --norc --noprofile'],
    ],
    { env: builtEnv(), stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const shell: PeerShell = {
    type: (bytes) => void child.stdin.write(bytes),
    onOutput: () => {},
    async close() {
      await end(child);
      await end(daemon);
      await rm(folder, { recursive: true, force: true });
    },
  };
  child.stdin.on('error', () => {});
  child.stdout.on('data', (bytes: Buffer) => shell.onOutput(bytes));
  await untilOutput(shell, '$ ', '# ');
  return shell;
};
