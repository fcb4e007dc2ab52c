/**
 * The container engine that a run of the vitest project `containers` starts for its tests (tests/setup/containers.mjs).
 * Tests ask for it here; nobody else does.
 */
import { inject } from 'vitest';

export interface TestEngine {
  /** The engine's API, as root; nobody else's containers are there. */
  socketPath: string;
  /** The same with mutual TLS. */
  tls: { host: string; port: number; caPath: string; certificatePath: string; keyPath: string };
  /** Built from deploy/docker/session.Dockerfile. */
  sessionImage: string;
  /** Built from deploy/docker/server.Dockerfile, of what was built on this machine. It is made where a test names it. */
  serverImage: string;
  /** PostgreSQL, Redis and nginx in one, as Compose starts them beside the server. */
  servicesImage: string;
  /** What the session image is built on: nothing but Debian. */
  baseImage: string;
  /** Each is registered; the first is the default. */
  runtimes: ('runc' | 'runsc')[];
  dockerPath: string;
  composePath: string;
  /** For the two: without it they ask the machine's own engine. */
  env: Record<string, string>;
  /** Where this machine reaches the ports that containers publish. */
  address: string;
  /** Where containers reach what this machine listens with; they reach nothing else. */
  hostAddress: string;
  /** Of dockerd, which is started again when a test ends it; its containers outlive that. */
  pidFile: string;
  logPath: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    engine: TestEngine;
  }
}

export const providedEngine = (): TestEngine => inject('engine');
