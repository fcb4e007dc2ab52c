// The line between the server and one agent, with a proxy in its middle; and the frames on it, for tests that repeat
// them. It knows how a WebSocket cuts bytes into frames, and no message.

import { chmod, chown, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { startProxy, type Proxy, type Tamper } from './proxy.js';
import type { Product } from './product.js';

/**
 * For a product with one session. Connections that are there go on past the proxy: restart the server afterwards. It
 * stands there until the agent is started anew.
 */
export const standBeforeAgent = async (product: Product, tamper?: Tamper): Promise<Proxy> => {
  const run = join(product.dataDir, 'run');
  const sockets = (await readdir(run, { recursive: true })).filter((name) => name.endsWith('/a/agent.sock'));
  if (sockets.length !== 1) throw new Error(`There is not one agent: ${sockets.join(', ')}`);
  const at = join(run, sockets[0] ?? '');
  const behind = join(at, '..', 'far.sock');
  const { uid, gid } = await stat(at);
  await rename(at, behind);
  const proxy = await startProxy({ to: behind, at, ...(tamper && { tamper }) });
  // Only a socket of the session's own is connected to.
  await chown(at, uid, gid);
  await chmod(at, 0o600);
  return {
    ...proxy,
    async close() {
      await proxy.close();
      await rename(behind, at).catch(() => rm(at, { force: true }));
    },
  };
};

/** Length of the first frame of these bytes; null where it is not all there. */
const frameLength = (bytes: Buffer): number | null => {
  if (bytes.length < 2) return null;
  const [, second = 0] = bytes;
  const short = second & 0x7f;
  const head = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < head) return null;
  const body = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const length = head + (second & 0x80 ? 4 : 0) + body;
  return bytes.length < length ? null : length;
};

/** Whole messages of text only: what is fragmented, binary or control passes once. */
const isText = (frame: Buffer): boolean => frame[0] === 0x81;

/** `say` is asked for every text frame of a WebSocket: the frames that go out in its place. */
export const tamperFrames =
  (say: (from: 'near' | 'far', frame: Buffer) => readonly Buffer[]): Tamper =>
  (from, pass) => {
    let rest = Buffer.alloc(0);
    let isUpgraded: boolean | null = null;
    return (bytes) => {
      // What is not a WebSocket's passes as it is; its head tells.
      if (isUpgraded === false) return pass(bytes);
      rest = Buffer.concat([rest, bytes]);
      if (isUpgraded === null) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = rest.subarray(0, end + 4);
        isUpgraded = /^upgrade: websocket/im.test(head.toString('latin1'));
        pass(isUpgraded ? head : rest);
        rest = isUpgraded ? rest.subarray(end + 4) : Buffer.alloc(0);
      }
      for (let length = frameLength(rest); length !== null; length = frameLength(rest)) {
        const frame = rest.subarray(0, length);
        rest = rest.subarray(length);
        for (const one of isText(frame) ? say(from, frame) : [frame]) pass(one);
      }
    };
  };
