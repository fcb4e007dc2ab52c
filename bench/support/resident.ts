// How much memory processes hold. Proportional: a page that several share is divided among them, so sums count it once.
import { readFile } from 'node:fs/promises';

export interface Held {
  /** Of the host's memory, its share of shared pages. */
  proportionalBytes: number;
  /** As `ps` says it, each shared page in full. */
  residentBytes: number;
}

const ofOne = async (pid: number): Promise<Held> => {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1_024;
  return { proportionalBytes: bytes('Pss'), residentBytes: bytes('Rss') };
};

export const heldBy = async (pids: readonly number[]): Promise<Held> => {
  const each = await Promise.all(pids.map(ofOne));
  return {
    proportionalBytes: each.reduce((sum, held) => sum + held.proportionalBytes, 0),
    residentBytes: each.reduce((sum, held) => sum + held.residentBytes, 0),
  };
};

export const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
