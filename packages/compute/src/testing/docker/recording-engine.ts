/**
 * Says that it is a container engine, does nothing, and keeps what it was asked: for tests of what may never be asked. It
 * knows of the API what the driver uses.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface AskedOfEngine {
  method: string;
  /** Without the version and the query. */
  path: string;
  query: URLSearchParams;
  /** Parsed; null where it was no JSON. */
  body: unknown;
}

export interface RecordingEngine {
  host: string;
  asked: AskedOfEngine[];
  close(): Promise<void>;
}

const info = {
  ID: 'recording',
  ServerVersion: '20.10.24',
  NCPU: 4,
  Runtimes: { runc: {}, runsc: { runtimeArgs: ['--host-uds=all', '--oci-seccomp'] } },
  SecurityOptions: ['name=seccomp,profile=default'],
  MemoryLimit: true,
  PidsLimit: true,
  CpuCfsQuota: true,
  DockerRootDir: '/nonexistent',
};

export async function startRecordingEngine(): Promise<RecordingEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'rc-'));
  const path = join(folder, 'engine.sock');
  const asked: AskedOfEngine[] = [];
  const volumes = new Map<string, unknown>();
  const server = createServer((request, response) => {
    const answer = (status: number, body?: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    void record(request).then((question) => {
      asked.push(question);
      const [status, body] = answerTo(question, volumes);
      answer(status, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    host: `unix://${path}`,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function record(request: IncomingMessage): Promise<AskedOfEngine> {
  const url = new URL(request.url ?? '/', 'http://engine');
  const isJson = request.headers['content-type']?.includes('json') ?? false;
  const said = await text(request);
  return {
    method: request.method ?? '',
    path: url.pathname.replace(/^\/v[\d.]+/, ''),
    query: url.searchParams,
    body: isJson && said !== '' ? (JSON.parse(said) as unknown) : null,
  };
}

function answerTo({ method, path, body }: AskedOfEngine, volumes: Map<string, unknown>): [number, unknown?] {
  if (path === '/info') return [200, info];
  if (path === '/version') return [200, { Arch: 'amd64' }];
  if (path.startsWith('/images/')) return [200, { Id: 'image' }];
  if (path === '/volumes/create') {
    const { Name: name } = body as { Name: string };
    if (!volumes.has(name)) volumes.set(name, body);
    return [201, body];
  }
  const volume = volumes.get(path.replace('/volumes/', ''));
  if (method === 'GET' && volume !== undefined) return [200, volume];
  if (path === '/containers/create') return [201, { Id: randomBytes(32).toString('hex'), Warnings: [] }];
  if (path === '/containers/json') return [200, []];
  // Whatever is looked for inside is there.
  if (method === 'HEAD') return [200];
  if (method === 'PUT' && path.endsWith('/archive')) return [200];
  if (method === 'POST') return [204];
  if (method === 'DELETE') return [204];
  return [404, { message: 'no such thing' }];
}
