/**
 * The engine's API as the driver uses it: dockerode, loaded when it is first needed, its failures as sentences. It knows
 * no session.
 */
import type { Agent } from 'node:http';
import type Docker from 'dockerode';
import { ComputeError } from '../../driver.js';
import { createPatientAgent } from './patience.js';

export interface EngineAddress {
  /** `unix:///var/run/docker.sock`, or `tcp://host:port`, which needs TLS unless it is loopback. */
  host: string;
  /** PEM texts; both ends show a certificate. */
  tls: { ca: string; cert: string; key: string } | null;
  /** Silent for so long in the middle of a request it is taken for hung; a minute where it is left out. */
  silenceMs?: number | undefined;
}

const defaultSilenceMs = 60_000;

/** Made anew where it could not be loaded. */
export type EngineClient = () => Promise<Docker>;

export function createEngineClient(address: EngineAddress): EngineClient {
  const options = connectionOptions(address);
  let client: Promise<Docker> | null = null;
  return () => {
    client ??= import('dockerode').then(({ default: Client }) => new Client(options));
    client.catch(() => {
      client = null;
    });
    return client;
  };
}

/** What dockerode takes and its types do not say. */
type ConnectionOptions = Docker.DockerOptions & { agent: Agent };

/** An engine that fetches an image is silent while it unpacks a large layer of it. */
const patienceWithPulls = 5;

export const createPullingClient = (address: EngineAddress): EngineClient =>
  createEngineClient({ ...address, silenceMs: patienceWithPulls * (address.silenceMs ?? defaultSilenceMs) });

function connectionOptions({ host, tls, silenceMs = defaultSilenceMs }: EngineAddress): ConnectionOptions {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (socketPath !== undefined) return { socketPath, agent: createPatientAgent({ isSecure: false, silenceMs }) };
  const url = URL.canParse(host) ? new URL(host) : null;
  if (url?.protocol !== 'tcp:' || url.hostname === '') {
    throw new ComputeError('not_ready', `"${host}" is no engine's address: unix:///path or tcp://host:port is.`);
  }
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  if (tls === null && !['127.0.0.1', '::1', 'localhost'].includes(hostname)) {
    throw new ComputeError('not_ready', `The engine at ${host} is on another machine: it is used with TLS only.`);
  }
  const port = Number(url.port || (tls === null ? 2375 : 2376));
  const agent = createPatientAgent({ isSecure: tls !== null, silenceMs });
  return { host: hostname, port, agent, ...(tls === null ? { protocol: 'http' } : { protocol: 'https', ...tls }) };
}

interface EngineFailure {
  statusCode?: number;
  code?: string;
  syscall?: string;
  reason?: string;
  json?: { message?: string } | string | null;
  message?: string;
}

/** HTTP status of a refusal by the engine; null where it did not answer. */
export function statusOf(error: unknown): number | null {
  return (error as EngineFailure | null)?.statusCode ?? null;
}

/** What the engine said, in its own words, or why it did not answer. */
export function wordsOf(error: unknown): string {
  const { statusCode, code, syscall, json, message = String(error) } = (error ?? {}) as EngineFailure;
  if (statusCode !== undefined) {
    const said = (typeof json === 'object' ? json?.message : json) ?? message;
    return said.trim().slice(0, 500);
  }
  if (code === 'ECONNRESET') return 'it broke off in the middle; did it end, or was it silent for too long?';
  if (syscall !== 'connect') return message.slice(0, 500);
  if (code === 'ENOENT') return 'there is no socket of an engine at its address; is Docker installed and running?';
  if (code === 'ECONNREFUSED') return 'nothing answers at its address; is Docker running?';
  if (code === 'EACCES') return 'this server may not open its socket: add its user to the socket’s group.';
  return message.slice(0, 500);
}

/** The result; null where the engine has no such thing. */
export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

/** Whether it was done; false where the engine says that it is so already, or that there is no such thing. */
export async function unlessSo(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if ([304, 404, 409].includes(statusOf(error) ?? 0)) return false;
    throw error;
  }
}
