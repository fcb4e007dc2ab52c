/**
 * Addresses of agents and gateways, and how to use them safely from outside a place. Code in a session can put
 * anything at the path of its own socket; this file does not know who listens there or what is said.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

export type Address =
  | {
      kind: 'unix';
      path: string;
      /** Who must own the socket, as the host sees it; null where the engine maps users. */ ownerUid: number | null;
    }
  | { kind: 'tcp'; host: string; port: number };

/** Linux's limit of `sun_path`, without the closing zero; Node cuts what is longer in silence. */
export const maxSocketPathBytes = 107;

/** `O_PATH`: a descriptor of the file itself, without opening what it stands for. */
const openPathOnly = 0x200000;

export class UnsafeSocketError extends Error {
  override readonly name = 'UnsafeSocketError';
}

/**
 * Holds the socket at the address and gives a path that means this very socket until `close()`, whatever is put in its
 * place. Connect to `connectPath`, then close. Rejects with `UnsafeSocketError` for a link, another kind of file or
 * another owner, and with the system's error (`ENOENT`) where nothing is.
 */
export async function openUnixSocketPath(
  address: Extract<Address, { kind: 'unix' }>,
): Promise<{ connectPath: string; close(): Promise<void> }> {
  const file = await open(address.path, openPathOnly | constants.O_NOFOLLOW);
  try {
    const found = await file.stat();
    if (!found.isSocket()) throw new UnsafeSocketError(`${address.path} is not a socket; it is not connected to`);
    if (address.ownerUid !== null && found.uid !== address.ownerUid) {
      throw new UnsafeSocketError(
        `${address.path} belongs to uid ${found.uid}, not to ${address.ownerUid}; it is not connected to`,
      );
    }
    return { connectPath: `/proc/self/fd/${file.fd}`, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * What `net.Server.listen` takes at this address. A unix socket is open to every uid: the folder it lies in is what
 * only the session may enter. Remove a socket that a killed server left before listening.
 */
export function listenOptions(
  address: Address,
): { path: string; readableAll: true; writableAll: true } | { host: string; port: number } {
  return address.kind === 'unix'
    ? { path: address.path, readableAll: true, writableAll: true }
    : { host: address.host, port: address.port };
}
