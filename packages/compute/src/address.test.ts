import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenOptions, openUnixSocketPath, UnsafeSocketError } from './address.js';

const ownerUid = process.getuid?.() ?? 0;
let folder = '';
const servers: Server[] = [];

async function listen(name: string): Promise<string> {
  const path = join(folder, name);
  const server = createServer((socket) => socket.end(name));
  servers.push(server);
  server.listen(listenOptions({ kind: 'unix', path, ownerUid }));
  await once(server, 'listening');
  return path;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rc-'));
});

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

describe('openUnixSocketPath', () => {
  it('leads to the socket that was looked at, whatever takes its name afterwards', async () => {
    const path = await listen('agent');
    const evil = await listen('evil');
    const safe = await openUnixSocketPath({ kind: 'unix', path, ownerUid });
    renameSync(path, `${path}.old`);
    symlinkSync(evil, path);
    expect(await text(connect(safe.connectPath))).toBe('agent');
    await safe.close();
    await expect(openUnixSocketPath({ kind: 'unix', path, ownerUid })).rejects.toThrow(UnsafeSocketError);
  });

  it('refuses links, files, folders and other owners', async () => {
    const path = await listen('agent');
    const at = (name: string) => ({ kind: 'unix', path: join(folder, name), ownerUid }) as const;
    symlinkSync(path, join(folder, 'link'));
    symlinkSync(join(folder, 'nothing'), join(folder, 'dangling'));
    writeFileSync(join(folder, 'file'), '');
    for (const name of ['link', 'dangling', 'file', '.']) {
      await expect(openUnixSocketPath(at(name)), name).rejects.toThrow(/is not a socket/);
    }
    await expect(openUnixSocketPath({ ...at('agent'), ownerUid: ownerUid + 1 })).rejects.toThrow(/belongs to uid/);
    await expect(openUnixSocketPath(at('missing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('listens where another uid may connect', async () => {
    expect(statSync(await listen('agent')).mode & 0o666).toBe(0o666);
  });
});
