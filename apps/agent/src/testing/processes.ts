/** Looks at the processes and files that an agent of a test has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { until } from './scratch.js';

/** Until the record of what is under way holds these words. */
export const streamed = (dir: string, words: string): Promise<boolean> => {
  const path = join(dir, 'state/chat/under-way.json');
  return until(words, () => existsSync(path) && readFileSync(path, 'utf8').includes(words));
};

/** The live processes of Claude Code that an agent has started. */
export const claudesOf = (agentPid: number | undefined): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === agentPid && commandOf(name).endsWith('/claude'))
    .map(Number);
const parentOf = (pid: string): number => Number(ofProcess(pid, 'stat').split(') ').at(-1)?.split(' ')[1]);
const commandOf = (pid: string): string => ofProcess(pid, 'cmdline').split('\0')[0] ?? '';
const ofProcess = (pid: string, file: string): string => {
  try {
    return readFileSync(join('/proc', pid, file), 'utf8');
  } catch {
    return '';
  }
};

export const isAlive = (pid: number): boolean => {
  const state = ofProcess(String(pid), 'stat').split(') ').at(-1)?.[0];
  return state !== undefined && state !== 'Z';
};
