// P3: bulk output of a terminal. Through the whole product (isolation, agent, server, a page's socket with its credit), against
// node-pty alone in this process, which no terminal over a network can pass, and against ssh and terminado where the machine
// has them. The program in all is `cat` of the same lines.
import { spawn } from '@lydell/node-pty';

import { builtEnv } from '../tests/support/config.js';
import { startSession } from '../tests/support/inside.js';
import { openPage } from './support/page.js';
import { findProgram } from './support/programs.js';
import { noPeer, ofRounds, printTable, times, watchMachine } from './support/report.js';
import { alternate, type Contender } from './support/rounds.js';
import type { BenchShell, PeerShell } from './support/shells.js';
import { openSsh } from './support/ssh.js';
import { median, pairwise, ratio } from './support/statistics.js';
import { openTerminado } from './support/terminado.js';
import { withProduct } from './support/with-product.js';

/** The end of the output with the prompt behind it. */
const windowBytes = 500;
const roundTimeoutMs = 120_000;
/** What is printed: lines of a log, short lines, lines full of colour. About 24 MB each. */
const kinds = {
  log: `yes '2026-01-01 00:00:00 INFO some.module answered a request of somebody in 12 ms with 200' | head -n 290000`,
  short: 'seq 1 3100000',
  colour: String.raw`yes "$(printf '\033[32mok\033[0m \033[1;34mmodule\033[0m did what it was asked')" | head -n 480000`,
};
type Kind = keyof typeof kinds;
const kindNames = Object.keys(kinds) as Kind[];

/** Types a command; resolves with bytes and time when all that it printed has come. */
const timed = (shell: BenchShell, command: string): Promise<{ bytes: number; ms: number }> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`"${command}" took too long.`)), roundTimeoutMs);
    let bytes = 0;
    let end = '';
    const begun = performance.now();
    shell.onOutput = (chunk) => {
      bytes += chunk.length;
      end = (end + chunk.subarray(-windowBytes).toString('latin1')).slice(-windowBytes);
      if (!end.includes('all-came')) return;
      clearTimeout(timer);
      resolve({ bytes, ms: performance.now() - begun });
    };
    // Split, so that the echo of the command is not taken for its end.
    shell.type(Buffer.from(`${command}; printf 'all-'came\r`));
  });

const openPty = (): { shell: BenchShell; close(): void } => {
  const env = { ...builtEnv(), PS1: '' };
  const pty = spawn('/bin/bash', ['--norc', '--noprofile'], { encoding: null, cols: 80, rows: 24, env });
  const shell: BenchShell = { type: (bytes) => pty.write(bytes.toString('latin1')), onOutput: () => {} };
  // With `encoding: null` it gives bytes, whatever its types say.
  pty.onData((bytes) => shell.onOutput(bytes as unknown as Buffer));
  return { shell, close: () => pty.kill('SIGKILL') };
};

const wettyRow = async (): Promise<string[]> => {
  const path = await findProgram('wetty');
  return ['wetty', noPeer(path === null ? 'not installed' : `${path} is there, but this bench does not speak to it`)];
};
const isPeer = (peer: [string, PeerShell | string]): peer is [string, PeerShell] => typeof peer[1] !== 'string';

await withProduct([], async ({ product, ada }) => {
  const session = await startSession(ada);
  const page = await openPage(product, ada, session.id);
  const terminal = await page.openTerminal();
  const alone = openPty();
  const peers: [string, PeerShell | string][] = [
    ['ssh', await openSsh()],
    ['terminado', await openTerminado()],
  ];
  const present = peers.filter(isPeer);
  const folder = '"${TMPDIR:-/tmp}"';
  const fileOf = (kind: Kind): string => `${folder}/bulk-bench-${process.pid}-${kind}`;
  try {
    for (const shell of [terminal, alone.shell])
      for (const kind of kindNames) await timed(shell, `${kinds[kind]} > ${fileOf(kind)}`);
    /** Milliseconds for a megabyte. */
    const contender = (name: string, shell: BenchShell, kind: Kind): Contender => ({
      name: `${name} ${kind}`,
      async measure() {
        const { bytes, ms } = await timed(shell, `cat ${fileOf(kind)}`);
        return [(ms * 1e6) / bytes];
      },
    });
    const printMachine = watchMachine();
    const measured = await alternate(
      kindNames.flatMap((kind) => [
        contender('product', terminal, kind),
        contender('node-pty', alone.shell, kind),
        ...present.map(([name, shell]) => contender(name, shell, kind)),
      ]),
    );
    const rates = (name: string): number[] => (measured.get(name) ?? []).map((round) => 1_000 / median(round));
    const mbs = (value: number): string => `${value.toFixed(1)} MB/s`;
    const row = (name: string, label: string): string[] => [
      label,
      ...kindNames.map((kind) => ofRounds(rates(`${name} ${kind}`), mbs)),
    ];
    const ratios = (theirs: (kind: Kind) => number[]): string[] =>
      kindNames.map((kind) => ofRounds(pairwise(rates(`product ${kind}`), theirs(kind), ratio), times));
    /** Round by round the fastest of them. */
    const bestPeer = (kind: Kind): number[] =>
      rates(`product ${kind}`).map((_, round) =>
        Math.max(...present.map(([name]) => rates(`${name} ${kind}`)[round] ?? Number.NaN)),
      );
    printTable([
      ['bulk output', 'lines of a log', 'short lines', 'colour'],
      row('product', 'through the product, isolation bubblewrap'),
      row('node-pty', 'node-pty alone'),
      ...peers.map(([name, peer]) => (typeof peer === 'string' ? [name, peer] : row(name, name))),
      await wettyRow(),
      ['ratio to node-pty, median of rounds', ...ratios((kind) => rates(`node-pty ${kind}`))],
      ...(present.length === 0 ? [] : [['ratio to the best peer (goal: at least 1.0 ×)', ...ratios(bestPeer)]]),
    ]);
    printMachine();
  } finally {
    await timed(alone.shell, `rm -f ${kindNames.map(fileOf).join(' ')}`).catch(() => {});
    for (const [, shell] of present) await shell.close();
    alone.close();
    page.close();
  }
});
