// Whom the ways out lead to: listeners that this test starts, in this machine's network or in another network namespace or
// container, all of which answer with one word. They know nothing of who asks.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { builtEnv } from '../support/config.js';

export interface Wanted {
  kind: 'tcp' | 'udp' | 'http' | 'unix';
  /** An address, or a socket's path. */
  at: string;
  /** 0 for any that is free. */
  port?: number;
}

/** For Node: reads `WANTED` and `MARK`, prints the ports in their order as JSON, and listens until its input ends. */
export const listenerProgram = `
  const { createServer } = require('node:net');
  const { createSocket } = require('node:dgram');
  const http = require('node:http');
  const mark = process.env.MARK;
  const quiet = (socket) => socket.on('error', () => {});
  const listen = ({ kind, at, port = 0 }) => new Promise((resolve, reject) => {
    if (kind === 'udp') {
      const socket = createSocket({ type: at.includes(':') ? 'udp6' : 'udp4' });
      socket.on('message', (_bytes, from) => socket.send(mark, from.port, from.address, () => {}));
      socket.once('error', reject);
      socket.bind(port, at, () => { socket.removeAllListeners('error'); quiet(socket); resolve(socket.address().port); });
      return;
    }
    const server = kind === 'http' ? http.createServer((_request, answer) => answer.end(mark))
      : createServer({ allowHalfOpen: true }, (socket) => { quiet(socket); socket.end(mark); });
    server.once('error', reject);
    server.listen(kind === 'unix' ? at : { host: at, port }, () => resolve(kind === 'unix' ? 0 : server.address().port));
  });
  Promise.all(JSON.parse(process.env.WANTED).map(listen)).then(
    (ports) => console.log(JSON.stringify(ports)),
    (error) => { console.error(error); process.exit(1); });`;

/** Listens at an abstract unix socket, which Node of this age cannot be told. */
const abstractProgram = `
  use Socket; $| = 1;
  socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die $!;
  bind($s, pack_sockaddr_un("\\0$ENV{AT}")) or die $!;
  listen($s, 8) or die $!;
  print "[]\\n";
  while (accept(my $c, $s)) { sysread($c, my $asked, 4096); print $c $ENV{MARK}; close $c; }`;

export interface Listeners {
  ports: number[];
  close(): Promise<void>;
}

/** `enter` begins the command line: what puts it into another network namespace. */
const start = async (commandLine: readonly string[], env: Record<string, string>): Promise<Listeners> => {
  const [file = '', ...args] = commandLine;
  const child: ChildProcess = spawn(file, args, {
    env: { ...builtEnv(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const [first] = (await Promise.race([once(lines, 'line'), ended.then(() => [''])])) as [string];
  if (!first.startsWith('[')) throw new Error(`${file} ended with ${child.exitCode} before it listened`);
  return {
    ports: JSON.parse(first) as number[],
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  };
};

export const startListeners = (mark: string, wanted: readonly Wanted[], enter: readonly string[] = []) =>
  start([...enter, process.execPath, '-e', listenerProgram], { MARK: mark, WANTED: JSON.stringify(wanted) });

export const startAbstract = (mark: string, at: string, enter: readonly string[] = []) =>
  start([...enter, 'perl', '-e', abstractProgram], { MARK: mark, AT: at });
