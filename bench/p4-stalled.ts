// P4: five viewers that read nothing while a terminal prints without end. What each costs in memory, on the server and in the
// agent, and what is left to one who reads, against that one alone.
import { readdirSync, readFileSync } from 'node:fs';

import { startSession } from '../tests/support/inside.js';
import { openPage, type Page, type PageTerminal } from './support/page.js';
import { noPeer, ofRounds, printTable, times, watchMachine } from './support/report.js';
import { median, pairwise, ratio } from './support/statistics.js';
import { withProduct } from './support/with-product.js';

const stalledViewers = 5;
const rounds = 5;
const roundMs = 3_000;
/** Memory goes up and down by itself: the lowest of so long a time is what is held. */
const watchMemoryMs = 2_000;
const mebibyte = 1024 * 1024;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resident bytes of the Node processes among this one's descendants, this one apart: the server and the agent. */
const residentBytes = (root: number): number => {
  const found = new Map<number, { parent: number; name: string; pages: number }>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
      found.set(Number(entry), { parent: Number(fields[1]), name, pages: Number(fields[21]) });
    } catch {
      // It ended meanwhile.
    }
  }
  const isBelow = (pid: number): boolean => pid === root || (found.has(pid) && isBelow(found.get(pid)?.parent ?? 0));
  const nodes = [...found].filter(([pid, { name }]) => (name === 'node' || name === 'MainThread') && isBelow(pid));
  return nodes.reduce((sum, [, { pages }]) => sum + pages * 4_096, 0);
};

const lowestBytes = async (root: number): Promise<number> => {
  let lowest = Infinity;
  for (const until = performance.now() + watchMemoryMs; performance.now() < until; await pause(100))
    lowest = Math.min(lowest, residentBytes(root));
  return lowest;
};

/** Bytes a second that reach this terminal's page. */
const rate = async (terminal: PageTerminal): Promise<number> => {
  let bytes = 0;
  const begun = performance.now();
  terminal.onOutput = (chunk) => (bytes += chunk.length);
  await pause(roundMs);
  terminal.onOutput = () => {};
  return (bytes * 1_000) / (performance.now() - begun);
};

await withProduct([], async ({ product, ada }) => {
  const session = await startSession(ada);
  const reader = await openPage(product, ada, session.id);
  const terminal = await reader.openTerminal();
  terminal.type(Buffer.from('yes\r'));
  let stalled: Page[] = [];
  const stall = async (): Promise<void> => {
    stalled = [];
    for (let nr = 0; nr < stalledViewers; nr += 1) {
      const page = await openPage(product, ada, session.id);
      stalled.push(page);
      await page.watchTerminal(terminal.terminalId);
      page.stall();
    }
  };
  try {
    // The first round is the program's own growth, and not told.
    const alone: number[] = [];
    const beside: number[] = [];
    const each: number[] = [];
    const printMachine = watchMachine();
    for (let round = 0; round <= rounds; round += 1) {
      const aloneRate = await rate(terminal);
      const before = await lowestBytes(product.pid());
      await stall();
      const besideRate = await rate(terminal);
      const after = await lowestBytes(product.pid());
      for (const page of stalled) page.close();
      if (round === 0) continue;
      alone.push(aloneRate);
      beside.push(besideRate);
      each.push((after - before) / stalledViewers);
    }
    const mbs = (value: number): string => `${(value / 1e6).toFixed(1)} MB/s`;
    const mib = (value: number): string => `${(value / mebibyte).toFixed(2)} MiB`;
    printTable([
      [`${stalledViewers} stalled viewers of a terminal that runs yes`, 'median (rounds)'],
      ['memory for each, server and agent (goal: at most 1 MiB)', ofRounds(each, mib)],
      ['one who reads, alone', ofRounds(alone, mbs)],
      ['one who reads, beside them', ofRounds(beside, mbs)],
      ['ratio (goal: at least 0.9 ×)', ofRounds(pairwise(beside, alone, ratio), times)],
      ['peer', noPeer('none bounds this')],
      ['memory of server and agent at the end', mib(median([await lowestBytes(product.pid())]))],
    ]);
    printMachine();
  } finally {
    for (const page of stalled) page.close();
    reader.close();
  }
});
