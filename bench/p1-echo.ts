// P1: from a keystroke to its echo. Through the whole product (a page's socket, the server, the agent in its bubblewrap, a
// pty, and back), against node-pty alone in this process. The program in both is `cat` on a raw terminal.
import { spawn } from '@lydell/node-pty';

import { builtEnv } from '../tests/support/config.js';
import { startSession } from '../tests/support/inside.js';
import { openPage } from './support/page.js';
import { findProgram } from './support/programs.js';
import { ms, noPeer, ofRounds, printTable, times, watchMachine } from './support/report.js';
import { alternate, type Contender } from './support/rounds.js';
import { median, pairwise, percentile, ratio } from './support/statistics.js';
import { withProduct } from './support/with-product.js';

const keysPerRound = 400;
/** Typed before, untimed: a new agent's code is compiled by then, which takes some thousand keys. */
const warmUpKeys = 3_000;
/** Between an echo and the next key: long enough for every process to have gone back to sleep, as between a person's keys. */
const pauseMs = 4;
const echoTimeoutMs = 10_000;
/** Split, so that the echo of the command is not taken for its output. */
const rawCat = "stty raw -echo; printf 'rea''dy'; exec cat";

interface Keyboard {
  type(bytes: Buffer): void;
  onOutput: (bytes: Buffer) => void;
}

/** Resolves when this text has come. */
const untilOutput = (keyboard: Keyboard, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`"${text}" did not come within ${echoTimeoutMs} ms.`)),
      echoTimeoutMs,
    );
    let seen = '';
    keyboard.onOutput = (bytes) => {
      seen = (seen + bytes.toString('latin1')).slice(-200);
      if (!seen.includes(text)) return;
      clearTimeout(timer);
      resolve();
    };
  });

const echoes = async (keyboard: Keyboard, keys = keysPerRound, restMs = pauseMs): Promise<number[]> => {
  const samples: number[] = [];
  for (let key = 0; key < keys; key += 1) {
    const letter = String.fromCharCode(97 + (key % 26));
    const begun = performance.now();
    const echo = untilOutput(keyboard, letter).then(() => samples.push(performance.now() - begun));
    keyboard.type(Buffer.from(letter));
    await echo;
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  return samples;
};

const openPty = async (): Promise<{ keyboard: Keyboard; close(): void }> => {
  const pty = spawn('/bin/bash', ['--norc', '--noprofile', '-c', rawCat], {
    encoding: null,
    cols: 80,
    rows: 24,
    env: builtEnv(),
  });
  const keyboard: Keyboard = { type: (bytes) => pty.write(bytes.toString('latin1')), onOutput: () => {} };
  const ready = untilOutput(keyboard, 'ready');
  // With `encoding: null` it gives bytes, whatever its types say.
  pty.onData((bytes) => keyboard.onOutput(bytes as unknown as Buffer));
  await ready;
  return { keyboard, close: () => pty.kill('SIGKILL') };
};

await withProduct([], async ({ product, ada }) => {
  const session = await startSession(ada);
  const page = await openPage(product, ada, session.id);
  const terminal = await page.openTerminal();
  const ready = untilOutput(terminal, 'ready');
  terminal.type(Buffer.from(`${rawCat}\r`));
  await ready;
  const alone = await openPty();

  try {
    const contenders: Contender[] = [
      { name: 'product', measure: () => echoes(terminal) },
      { name: 'node-pty', measure: () => echoes(alone.keyboard) },
    ];
    for (const keyboard of [terminal, alone.keyboard]) await echoes(keyboard, warmUpKeys, 0);
    const printMachine = watchMachine();
    const measured = await alternate(contenders);
    const figures = (name: string, share: number): number[] =>
      (measured.get(name) ?? []).map((round) => (share === 0.5 ? median(round) : percentile(round, share)));

    const row = (name: string, label: string): string[] => [
      label,
      ofRounds(figures(name, 0.5), ms),
      ofRounds(figures(name, 0.99), ms),
    ];
    const ratios = (share: number): string =>
      ofRounds(pairwise(figures('product', share), figures('node-pty', share), ratio), times);
    const cloudCli = await findProgram('cloudcli');
    const why = cloudCli === null ? 'not installed' : `${cloudCli} is there, but this bench does not speak to it`;
    printTable([
      [`keystroke to echo, ${keysPerRound} keys a round`, 'p50 (rounds)', 'p99 (rounds)'],
      row('product', 'through the product, isolation bubblewrap'),
      row('node-pty', 'node-pty alone'),
      ['ratio to node-pty, median of rounds', ratios(0.5), ratios(0.99)],
      ['CloudCLI (goal: at most 0.6 × of it)', noPeer(why), ''],
    ]);
    printMachine();
  } finally {
    alone.close();
    page.close();
  }
});
