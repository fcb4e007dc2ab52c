// P14: from starting the server to its first answer, on a data folder that it has used before: a second start, with the
// PostgreSQL of its own. The program alone and `npm start`'s script, against code-server where the machine has it.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findProgram } from './support/programs.js';
import { ms, noPeer, ofRounds, printTable, times, watchMachine } from './support/report.js';
import { alternate, type Contender } from './support/rounds.js';
import { freePort, timeStart } from './support/started.js';
import { median, pairwise, ratio } from './support/statistics.js';

const startsPerRound = 2;
const goalMs = 3_000;
const timeoutMs = 120_000;
const root = fileURLToPath(new URL('../', import.meta.url));
const program = join(root, 'apps/cli/dist/main.js');
const script = join(root, 'scripts/start.mjs');

const folder = await mkdtemp(join(tmpdir(), 'rc-start-'));
// PostgreSQL and sessions run as other users, who must get as far as their own folders.
await chmod(folder, 0o711);

const startOf = (args: readonly string[]) => async (): Promise<number> => {
  const port = await freePort();
  const flags = ['--port', String(port), '--data-dir', join(folder, 'data')];
  return timeStart({
    command: [process.execPath, ...args, ...flags],
    url: `http://127.0.0.1:${port}/api/about`,
    timeoutMs,
  });
};

const codeServer = await findProgram('code-server');
const startCodeServer = async (path: string): Promise<number> => {
  const port = await freePort();
  const folders = ['--user-data-dir', join(folder, 'code'), '--extensions-dir', join(folder, 'extensions')];
  const quiet = ['--disable-telemetry', '--disable-update-check'];
  const command = [path, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, ...folders, ...quiet] as const;
  return timeStart({ command, url: `http://127.0.0.1:${port}/healthz`, timeoutMs });
};

const several = (start: () => Promise<number>) => async (): Promise<number[]> => {
  const samples: number[] = [];
  for (let count = 0; count < startsPerRound; count += 1) samples.push(await start());
  return samples;
};

try {
  const first = await startOf([program, 'serve'])();
  const contenders: Contender[] = [
    { name: 'program', measure: several(startOf([program, 'serve'])) },
    { name: 'script', measure: several(startOf([script])) },
    ...(codeServer === null ? [] : [{ name: 'code-server', measure: several(() => startCodeServer(codeServer)) }]),
  ];
  const printMachine = watchMachine();
  const measured = await alternate(contenders);
  const figures = (name: string): number[] => (measured.get(name) ?? []).map((round) => median(round));
  const row = (name: string, label: string): string[] => {
    const rounds = figures(name);
    const goal = median(rounds) < goalMs ? 'reached' : 'missed';
    const peer = codeServer === null ? '' : ofRounds(pairwise(rounds, figures('code-server'), ratio), times);
    return [label, ofRounds(rounds, ms), `under ${goalMs / 1_000} s: ${goal}`, peer];
  };
  const peer = codeServer === null ? noPeer('not installed') : ofRounds(figures('code-server'), ms);
  printTable([
    [
      `start to first answer, ${startsPerRound} starts a round`,
      'median (rounds)',
      'goal',
      codeServer === null ? '' : 'ratio to code-server',
    ],
    row('program', 'node apps/cli/dist/main.js serve'),
    row('script', 'node scripts/start.mjs (what npm start runs)'),
    ['the very first start, once', ms(first), '', ''],
    ['code-server (goal: at most 0.5 × of it)', peer, '', ''],
  ]);
  printMachine();
} finally {
  await rm(folder, { recursive: true, force: true });
}
