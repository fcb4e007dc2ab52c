/**
 * A small program for a place, in plain Node: it listens where an agent would and answers what it is asked by running
 * it. With `askInside`, its other end, a test sees a place from within. It knows no driver.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { openUnixSocketPath } from '../address.js';
import type { Address } from '../address.js';

/** Where the program listens: a socket's path, or a port. */
export const probeListenVariable = 'PROBE_LISTEN';

const program = `
const net = require('node:net');
const AsyncFunction = (async () => {}).constructor;
const at = process.env.${probeListenVariable};
if (at.startsWith('/')) require('node:fs').rmSync(at, { force: true });
net.createServer({ allowHalfOpen: true }, (socket) => {
  const parts = [];
  socket.on('error', () => {});
  socket.on('data', (part) => parts.push(part));
  socket.on('end', async () => {
    let answer;
    try {
      const value = await new AsyncFunction('require', Buffer.concat(parts).toString())(require);
      answer = { value: value === undefined ? null : value };
    } catch (error) {
      answer = { error: String((error && error.stack) || error) };
    }
    socket.end(JSON.stringify(answer));
  });
}).listen(at.startsWith('/') ? { path: at } : { port: Number(at), host: '0.0.0.0' });
`;

/** The command that runs it, for a Node at this path inside. */
export function probeAgentCommand(node: string): string[] {
  return [node, '-e', program];
}

/** Runs the body of an async function inside and gives what it returns; waits up to 20 s for the program to listen. */
export async function askInside(agent: Address, code: string): Promise<unknown> {
  const socket = await connectWhenThere(agent, performance.now() + 20_000);
  try {
    socket.end(code);
    const answer = JSON.parse(await text(socket)) as { value?: unknown; error?: string };
    if (answer.error !== undefined) throw new Error(`Inside the place: ${answer.error}`);
    return answer.value;
  } finally {
    socket.destroy();
  }
}

async function connectWhenThere(address: Address, endMs: number): Promise<Socket> {
  for (;;) {
    try {
      return await connectOnce(address);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOENT' && code !== 'ECONNREFUSED') || performance.now() > endMs) throw error;
      await sleep(20);
    }
  }
}

async function connectOnce(address: Address): Promise<Socket> {
  const safe = address.kind === 'unix' ? await openUnixSocketPath(address) : null;
  try {
    const to = address.kind === 'tcp' ? { host: address.host, port: address.port } : { path: safe?.connectPath ?? '' };
    return await new Promise<Socket>((resolve, reject) => {
      const socket = connect({ ...to, allowHalfOpen: true });
      socket.once('connect', () => resolve(socket));
      socket.once('error', reject);
    });
  } finally {
    await safe?.close();
  }
}
