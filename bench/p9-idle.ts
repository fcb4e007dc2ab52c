// P9: what an idle session holds in memory: with its Claude warm, parked, and stopped; and how long a parked one takes to wake,
// from the prompt to the first text, against the Agent SDK called directly that starts Claude Code for the same.
import type { SessionId } from '@remote-claude/contract';
import { always, text, type Script } from '@remote-claude/scripted-model';

import { inPlaceOf, isClaude } from '../tests/support/host-processes.js';
import { startSession, stopSession } from '../tests/support/inside.js';
import { until } from '../tests/support/wait.js';
import { configFor } from '../tests/support/model.js';
import { openDirect } from './support/direct-claude.js';
import { openPage } from './support/page.js';
import { ms, ofRounds, printTable, times, watchMachine } from './support/report.js';
import { heldBy, mb, type Held } from './support/resident.js';
import { alternate } from './support/rounds.js';
import { median, pairwise, ratio } from './support/statistics.js';
import { withProduct } from './support/with-product.js';

const idleMs = 4_000;
/** After a turn: what it leaves to do is done by then, and the session is not parked yet. */
const settleMs = 2_000;
const wakesPerRound = 2;
/** Beside the one that is measured alone: what they share, the program's own pages, is divided among them. */
const neighbours = 3;
const parkedGoalBytes = 60e6;
const stoppedGoalBytes = 1e6;
const wakeGoal = 1.2;
const script: Script = [{ name: 'greet', when: always, answer: [text('Hello there, this is the answer.')] }];
const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

await withProduct(
  script,
  async ({ product, model, ada }) => {
    const { id } = await startSession(ada);
    const page = await openPage(product, ada, id);
    let prompts = 0;
    const pids = async (): Promise<number[]> => (await inPlaceOf(id)).map(({ pid }) => pid);
    const isWarm = async (): Promise<boolean> => (await inPlaceOf(id)).some(isClaude);
    const parked = (): Promise<unknown> =>
      until(async () => !(await isWarm()), { what: 'the session to park', timeoutMs: 60_000 });

    /** From the prompt to the first text; resolves when the turn has ended. */
    const prompt = async (): Promise<number> => {
      prompts += 1;
      let firstAt = 0;
      const first = page.hear(({ type, payload }) => {
        if (type !== 'claude-stream' || payload['type'] !== 'text') return false;
        firstAt = performance.now();
        return true;
      });
      const ended = page.hear(({ type }) => type === 'claude-complete');
      const begun = performance.now();
      page.say('claude', { prompt: `Greet me for the ${prompts}th time.` });
      await first;
      await ended;
      return firstAt - begun;
    };
    const direct = async (): Promise<number> => {
      const begun = performance.now();
      const claude = await openDirect({ baseUrl: model.url, model: 'claude-sonnet-5' });
      try {
        const { firstTextAt, ended } = claude.say('Greet me.');
        const at = await firstTextAt;
        await ended;
        return at - begun;
      } finally {
        await claude.close();
      }
    };

    const warm: Held[] = [];
    const cold: Held[] = [];
    const among: Held[] = [];
    const wake = async (): Promise<number[]> => {
      const round: number[] = [];
      for (let count = 0; count < wakesPerRound; count += 1) {
        await parked();
        await pause(settleMs);
        cold.push(await heldBy(await pids()));
        round.push(await prompt());
        await pause(settleMs);
        if (await isWarm()) warm.push(await heldBy(await pids()));
      }
      return round;
    };
    const several = async (): Promise<number[]> => {
      const round: number[] = [];
      for (let count = 0; count < wakesPerRound; count += 1) round.push(await direct());
      return round;
    };

    try {
      const printMachine = watchMachine();
      const measured = await alternate([
        { name: 'wake', measure: wake },
        { name: 'sdk', measure: several },
      ]);
      const others: SessionId[] = [];
      for (let count = 0; count < neighbours; count += 1) others.push((await startSession(ada)).id);
      for (const other of [id, ...others])
        await until(async () => !(await inPlaceOf(other)).some(isClaude), { what: 'all to park', timeoutMs: 60_000 });
      await pause(settleMs);
      for (const other of [id, ...others]) among.push(await heldBy((await inPlaceOf(other)).map(({ pid }) => pid)));
      page.close();
      const places = await pids();
      await stopSession(ada, id);
      const stopped = await heldBy(places);

      const figures = (name: string): number[] => (measured.get(name) ?? []).map((round) => median(round));
      const ratios = pairwise(figures('wake'), figures('sdk'), ratio);
      const memory = (label: string, held: readonly Held[], goalBytes?: number): string[] => {
        const found = held.map(({ proportionalBytes }) => proportionalBytes);
        return [
          label,
          ofRounds(found, mb),
          mb(median(held.map(({ anonymousBytes }) => anonymousBytes))),
          mb(median(held.map(({ residentBytes }) => residentBytes))),
          goalBytes === undefined
            ? ''
            : `at most ${mb(goalBytes)}: ${median(found) <= goalBytes ? 'reached' : 'missed'}`,
        ];
      };
      printTable([
        [
          'an idle session, all its processes',
          'proportional (lowest to highest)',
          'of it nobody can share',
          'resident',
          'goal',
        ],
        memory('Claude warm, alone', warm),
        memory('parked, alone on the machine', cold, parkedGoalBytes),
        memory(`parked, each of ${neighbours + 1}`, among, parkedGoalBytes),
        memory('stopped', [stopped], stoppedGoalBytes),
      ]);
      printTable([
        [`prompt to first text, ${wakesPerRound} a round`, 'median (rounds)', 'goal'],
        ['a parked session wakes', ofRounds(figures('wake'), ms), ''],
        ['Agent SDK called directly, cold start', ofRounds(figures('sdk'), ms), ''],
        [
          'ratio',
          ofRounds(ratios, times),
          `at most ${wakeGoal} ×: ${median(ratios) <= wakeGoal ? 'reached' : 'missed'}`,
        ],
      ]);
      printMachine();
    } finally {
      page.close();
    }
  },
  (model) => configFor(model, `sessions: { idleTimeout: ${idleMs}ms }`),
);
