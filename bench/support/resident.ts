// How much memory processes hold. Proportional: a page that several share is divided among them, so sums count it once.
import { readFile } from 'node:fs/promises';

export interface Held {
  /** Of the host's memory, its share of shared pages. */
  proportionalBytes: number;
  /** Nobody can share it: heaps and stacks, without what is read from files. */
  anonymousBytes: number;
  /** As `ps` says it, each shared page in full. */
  residentBytes: number;
}

const ofOne = async (pid: number): Promise<Held> => {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1_024;
  return { proportionalBytes: bytes('Pss'), anonymousBytes: bytes('Pss_Anon'), residentBytes: bytes('Rss') };
};

export const heldBy = async (pids: readonly number[]): Promise<Held> => {
  const each = await Promise.all(pids.map(ofOne));
  const sum = (key: keyof Held): number => each.reduce((total, held) => total + held[key], 0);
  return {
    proportionalBytes: sum('proportionalBytes'),
    anonymousBytes: sum('anonymousBytes'),
    residentBytes: sum('residentBytes'),
  };
};

export const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
