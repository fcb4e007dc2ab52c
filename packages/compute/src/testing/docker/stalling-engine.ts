/**
 * Stands in front of a container engine and lets requests through, but for those that a test lets hang: of an engine that
 * is stopped, overloaded or cut off nobody hears. It knows nothing of what is asked.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';

export interface Asked {
  method: string;
  /** Without the version and the query. */
  path: string;
}

/** `unheard`: it never comes to the engine. `unanswered`: it is done, and nobody hears of it. `half`: half of the answer comes. */
export type Stall = 'unheard' | 'unanswered' | 'half';

export interface StallingEngine {
  host: string;
  /** How many hang now. */
  hanging(): number;
  /** From now on; those that hang stay so until their caller goes. `null` lets all pass. */
  stall(how: { which(asked: Asked): boolean; at: Stall } | null): void;
  close(): Promise<void>;
}

export async function startStallingEngine(socketPath: string): Promise<StallingEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'rc-'));
  const path = join(folder, 'engine.sock');
  let stalling: Parameters<StallingEngine['stall']>[0] = null;
  let hanging = 0;

  const hang = (response: ServerResponse): void => {
    hanging += 1;
    response.once('close', () => {
      hanging -= 1;
    });
  };
  const pass = (asked: IncomingMessage, response: ServerResponse, at: Stall | null): void => {
    const { url: path, method } = asked;
    // Where it is told to end the connection, the engine does so before it has read all.
    const headers = { ...asked.headers, connection: 'keep-alive' };
    const onward = request({ socketPath, path, method, headers }, (answer) => {
      if (at === 'unanswered') return void answer.resume();
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      if (at === null) return pipeline(answer, response, () => {});
      answer.once('data', (part: Buffer) => {
        response.write(part.subarray(0, Math.floor(part.length / 2)));
        answer.resume();
      });
    });
    // Whoever goes away takes the other with him, but what was heard is done.
    onward.on('error', () => response.destroy());
    if (at === null) response.once('close', () => onward.destroy());
    pipeline(asked, onward, () => {});
  };
  const server = createServer((asked, response) => {
    const url = new URL(asked.url ?? '/', 'http://engine');
    const what = { method: asked.method ?? '', path: url.pathname.replace(/^\/v[\d.]+/, '') };
    const at = stalling?.which(what) === true ? stalling.at : null;
    response.on('error', () => {});
    if (at !== null) hang(response);
    if (at !== 'unheard') pass(asked, response, at);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    host: `unix://${path}`,
    hanging: () => hanging,
    stall(how) {
      stalling = how;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
