/** What an engine can do, from what it says of itself; remembered for a while. It judges nothing. */
import { createHash } from 'node:crypto';
import type { EngineClient } from './client.js';
import type { Enforced } from './look-at-place.js';

export interface EngineInfo {
  /** A UUID, made of what the engine says of itself: another one after it was installed anew. */
  id: string;
  version: string;
  cpus: number;
  /** By name; the arguments that the engine gives each, where it tells. */
  runtimes: Record<string, { runtimeArgs?: string[] }>;
  /** `unconfined`: it can filter system calls, and does so only where it is told how. */
  hasSeccomp: 'yes' | 'unconfined' | 'not';
  hasApparmor: boolean;
  /** Users inside are others outside. */
  mapsUsers: boolean;
  isRootless: boolean;
  enforces: Enforced;
  dataRoot: string;
}

const rememberMs = 60_000;

/** Newer engines are named by one, older ones in a way of their own. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

interface Said {
  ID: string;
  NCPU: number;
  ServerVersion: string;
  Runtimes: EngineInfo['runtimes'] | null;
  SecurityOptions: string[] | null;
  MemoryLimit: boolean;
  PidsLimit: boolean;
  CpuCfsQuota: boolean;
  DockerRootDir: string;
}

/** `fresh`: what it says now, not a minute ago. */
export function createEngineInfo(client: EngineClient, runtime: string): (fresh?: 'fresh') => Promise<EngineInfo> {
  let known: { at: number; info: Promise<EngineInfo> } | null = null;
  const ask = async (): Promise<EngineInfo> => {
    const said = (await (await client()).info()) as Said;
    const security = (said.SecurityOptions ?? []).flatMap((line) => line.split(','));
    const runtimes = said.Runtimes ?? {};
    // A runtime that leaves the engine's cgroups aside enforces none of them.
    const isLimited = runtimes[runtime]?.runtimeArgs?.includes('--ignore-cgroups') !== true;
    return {
      id: uuidOf(said.ID),
      cpus: said.NCPU,
      version: said.ServerVersion,
      runtimes,
      hasSeccomp: !security.includes('name=seccomp')
        ? 'not'
        : security.includes('profile=unconfined')
          ? 'unconfined'
          : 'yes',
      hasApparmor: security.includes('name=apparmor'),
      mapsUsers: security.includes('name=userns'),
      isRootless: security.includes('name=rootless'),
      enforces: {
        memory: isLimited && said.MemoryLimit,
        processes: isLimited && said.PidsLimit,
        cpu: isLimited && said.CpuCfsQuota,
      },
      dataRoot: said.DockerRootDir,
    };
  };
  return (fresh) => {
    const now = performance.now();
    if (fresh === undefined && known !== null && now - known.at < rememberMs) return known.info;
    const info = ask();
    known = { at: now, info };
    info.catch(() => {
      if (known?.info === info) known = null;
    });
    return info;
  };
}
