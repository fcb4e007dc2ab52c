// P5: from sending a prompt to the first text of the answer, in a session whose Claude Code is warm. Through the whole product
// (a page's socket, the stored command, the agent, the gateway and back), against the Agent SDK called directly with the same
// options, the same Claude Code and the same scripted model.
import { always, text, type Script } from '@remote-claude/scripted-model';

import { startSession } from '../tests/support/inside.js';
import { openDirect } from './support/direct-claude.js';
import { openPage, type Page } from './support/page.js';
import { ms, noPeer, ofRounds, printTable, times, watchMachine } from './support/report.js';
import { alternate } from './support/rounds.js';
import { difference, median, pairwise, ratio } from './support/statistics.js';
import { withProduct } from './support/with-product.js';

const promptsPerRound = 8;
/** Between turns: what a turn leaves to do (its cost, its end in the log) is done by then. */
const pauseMs = 250;
const goalMs = 10;

/** When the model was asked last: splits the way there from the way back. */
let askedAt = 0;
const script: Script = [
  {
    name: 'greet',
    when: always,
    answer: () => {
      askedAt = performance.now();
      return [text('Hello there, this is the answer.')];
    },
  },
];

interface Turn {
  firstTextAt: Promise<number>;
  ended: Promise<void>;
}

const sayThroughPage = (page: Page, prompt: string): Turn => {
  let firstTextAt = 0;
  const heard = page.hear(({ type, payload }) => {
    if (type !== 'claude-stream' || payload['type'] !== 'text') return false;
    firstTextAt = performance.now();
    return true;
  });
  const ended = page.hear(({ type }) => type === 'claude-complete');
  page.say('claude', { prompt });
  return { firstTextAt: heard.then(() => firstTextAt), ended };
};

interface Times {
  total: number[];
  there: number[];
  back: number[];
}

await withProduct(script, async ({ product, model, ada }) => {
  const session = await startSession(ada);
  const page = await openPage(product, ada, session.id);
  const direct = await openDirect({ baseUrl: model.url, model: 'claude-sonnet-5' });
  try {
    const parts = new Map<string, Times[]>([
      ['product', []],
      ['sdk', []],
    ]);

    let asked = 0;
    const measure = (name: string, say: (prompt: string) => Turn) => async (): Promise<number[]> => {
      const round: Times = { total: [], there: [], back: [] };
      for (let turn = 0; turn < promptsPerRound; turn += 1) {
        asked += 1;
        const begun = performance.now();
        const { firstTextAt, ended } = say(`Greet me for the ${asked}th time.`);
        const at = await firstTextAt;
        round.total.push(at - begun);
        round.there.push(askedAt - begun);
        round.back.push(at - askedAt);
        await ended;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      parts.get(name)?.push(round);
      return round.total;
    };

    const printMachine = watchMachine();
    await alternate([
      { name: 'product', measure: measure('product', (prompt) => sayThroughPage(page, prompt)) },
      { name: 'sdk', measure: measure('sdk', (prompt) => direct.say(prompt)) },
    ]);

    // The first round only warms up.
    const figures = (name: string, part: keyof Times): number[] =>
      (parts.get(name) ?? []).slice(1).map((round) => median(round[part]));
    const row = (label: string, value: (part: keyof Times) => string): string[] => [
      label,
      value('total'),
      value('there'),
      value('back'),
    ];
    const both = (part: keyof Times, compare: typeof ratio): number[] =>
      pairwise(figures('product', part), figures('sdk', part), compare);
    printTable([
      [
        `warm, ${promptsPerRound} prompts a round`,
        'prompt to first text',
        'prompt to model asked',
        'model asked to first text',
      ],
      row('through the product', (part) => ofRounds(figures('product', part), ms)),
      row('Agent SDK called directly', (part) => ofRounds(figures('sdk', part), ms)),
      row('more than the SDK', (part) => ofRounds(both(part, difference), ms)),
      row('ratio to the SDK', (part) => ofRounds(both(part, ratio), times)),
      [`goal: at most ${goalMs} ms more`, median(both('total', difference)) <= goalMs ? 'reached' : 'missed'],
      ['CloudCLI (goal: at most 0.15 × of it)', noPeer('not measured by this bench')],
    ]);
    printMachine();
  } finally {
    page.close();
    await direct.close();
  }
});
