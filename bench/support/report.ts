// What a bench prints: tables, and what else the machine did meanwhile. It judges nothing.
import { cpus, loadavg } from 'node:os';

import { median } from './statistics.js';

const digits = (value: number): number => (Math.abs(value) < 1 ? 3 : Math.abs(value) < 100 ? 2 : 0);
const plain = (value: number): string => value.toFixed(digits(value));

export const ms = (value: number): string => `${plain(value)} ms`;
export const times = (value: number): string => `${value.toFixed(2)} ×`;

/** Median of the rounds, and the lowest and highest of them. */
export const ofRounds = (rounds: readonly number[], unit: (value: number) => string): string =>
  `${unit(median(rounds))} (${unit(Math.min(...rounds))} to ${unit(Math.max(...rounds))})`;

export const printTable = (rows: readonly (readonly string[])[]): void => {
  const widths = rows.reduce<number[]>(
    (found, row) => row.map((cell, column) => Math.max(found[column] ?? 0, cell.length)),
    [],
  );
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
};

export const noPeer = (why: string): string => `no peer: ${why}`;

const cpuTimes = (): { busy: number; all: number } => {
  const sum = { busy: 0, all: 0 };
  for (const { times: spent } of cpus()) {
    const all = spent.user + spent.nice + spent.sys + spent.idle + spent.irq;
    sum.all += all;
    sum.busy += all - spent.idle;
  }
  return sum;
};

/** Call it before the first round; what it returns, called after the last, prints how busy the machine was. */
export const watchMachine = (): (() => void) => {
  const before = cpuTimes();
  const [loadBefore = 0] = loadavg();
  return () => {
    const after = cpuTimes();
    const share = (after.busy - before.busy) / Math.max(1, after.all - before.all);
    const [loadAfter = 0] = loadavg();
    console.log(
      `machine: ${cpus().length} cores ${Math.round(share * 100)} % busy meanwhile, load ${loadBefore.toFixed(1)} before and ${loadAfter.toFixed(1)} after, Node ${process.versions.node}`,
    );
  };
};
