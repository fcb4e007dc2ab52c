// A shell over terminado, the terminals of Jupyter: its own server on loopback, and a WebSocket that speaks as its page does.
import { spawn } from 'node:child_process';

import { WebSocket } from 'ws';

import { builtEnv } from '../../tests/support/config.js';
import { findProgram } from './programs.js';
import { noPeer } from './report.js';
import { untilOutput, type PeerShell } from './shells.js';
import { freePort } from './started.js';

const server = `
import sys, terminado, tornado.ioloop, tornado.web
shells = terminado.UniqueTermManager(shell_command=['bash', '--norc', '--noprofile'])
app = tornado.web.Application([(r'/shell', terminado.TermSocket, {'term_manager': shells})])
app.listen(int(sys.argv[1]), '127.0.0.1')
print('listening', flush=True)
tornado.ioloop.IOLoop.current().start()
`;

/** Why there is none, where there is none. */
export const openTerminado = async (): Promise<PeerShell | string> => {
  const python = await findProgram('python3');
  if (python === null) return noPeer('not installed');
  const port = await freePort();
  const child = spawn(python, ['-c', server, String(port)], { env: builtEnv(), stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const isUp = await Promise.race([
    new Promise<boolean>((resolve) => void child.stdout.once('data', () => resolve(true))),
    ended.then(() => false),
  ]);
  if (!isUp) return noPeer('not installed');

  const socket = new WebSocket(`ws://127.0.0.1:${port}/shell`, { perMessageDeflate: false });
  const shell: PeerShell = {
    type: (bytes) => socket.send(JSON.stringify(['stdin', bytes.toString('latin1')])),
    onOutput: () => {},
    async close() {
      socket.terminate();
      child.stdout.destroy();
      child.kill('SIGTERM');
      await ended;
    },
  };
  socket.on('message', (data: Buffer) => {
    const [kind, text] = JSON.parse(data.toString('utf8')) as [string, string];
    if (kind === 'stdout') shell.onOutput(Buffer.from(text));
  });
  const prompted = untilOutput(shell, '$ ', '# ');
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  await prompted;
  return shell;
};
