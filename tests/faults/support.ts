// What every fault needs: a product with one session, a viewer that checks each number, and the row that is printed.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventOf, SessionId, TurnId } from '@remote-claude/contract';
import { routes } from '@remote-claude/contract';
import { always, gate, numbered, text, userSays, type Rule, type ScriptedModel } from '@remote-claude/scripted-model';

import { startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product, type ProductOptions } from '../support/product.js';
import type { RecordingTerminal } from '../support/terminal.js';
import { endOfTurn, sayIn } from '../support/turns.js';
import { openViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

export interface House {
  model: ScriptedModel;
  product: Product;
  ada: Person;
  sessionId: SessionId;
  viewer: Viewer;
  /** Sends a message and answers with its turn as soon as that began. */
  say(message: string): Promise<TurnId>;
  endOf(turnId: TurnId, timeoutMs?: number): Promise<EventOf<'turn.ended'>>;
  /** Resolves when this token of a turn has streamed to the viewer. */
  untilStreamed(turnId: TurnId, token: number): Promise<true>;
  /** Numbers of the tokens in the texts of a turn as a viewer has them, the interrupted ones too. */
  tokensOf(turnId: TurnId, by?: Viewer): number[];
  close(): Promise<void>;
}

export const tokens = 80;
/** "Count until NAME": numbered tokens that hold at the gate of this name in their middle. */
export const countUntil = (name: string): Rule => ({
  name: `count until ${name}`,
  when: userSays(`count until ${name}`),
  answer: [
    numbered(tokens / 2, { delayMs: 5 }),
    gate(name),
    numbered(tokens / 2, { from: tokens / 2 + 1, delayMs: 5 }),
  ],
});
export const greet: Rule = { name: 'greet', when: always, answer: [text('Hello.')] };

const tokenName = (token: number): string => `token-${String(token).padStart(4, '0')}`;

/** Whatever no rule answers is greeted. `more` is YAML at the configuration's end, `computeDir` as it says there. */
export const openHouse = async (
  rules: readonly Rule[],
  more = '',
  options: Omit<ProductOptions, 'config'> = {},
): Promise<House> => {
  const model = await startModel([...rules, greet]);
  const product = await startProduct({ config: configFor(model, more), ...options });
  return furnish(model, product, await setUpAdmin(product));
};

/** With a session and its viewer. It closes the product and the model. */
export const furnish = async (model: ScriptedModel, product: Product, ada: Person): Promise<House> => {
  const { id: sessionId } = await startSession(ada, { name: 'Faults' });
  const viewer = openViewer(product.url, ada, sessionId);
  // Claude Code is up and its side calls are over.
  await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'Hi' } });

  return {
    model,
    product,
    ada,
    sessionId,
    viewer,
    say: (message) => sayIn(ada, sessionId, viewer, message),
    endOf: (turnId, timeoutMs) => endOfTurn(viewer, turnId, timeoutMs),
    untilStreamed: (turnId, token) =>
      until(
        () =>
          viewer
            .messages()
            .some(
              (message) =>
                message.type === 'claude-stream' &&
                message.payload.turnId === turnId &&
                message.payload.content.includes(tokenName(token)),
            ),
        { what: `${tokenName(token)} to stream` },
      ).then(() => true as const),
    tokensOf: (turnId, by = viewer) =>
      by
        .events()
        .flatMap(({ event }) =>
          (event.type === 'text' || event.type === 'block.interrupted') && event.turnId === turnId
            ? [event.text.text]
            : [],
        )
        .flatMap((said) => said.match(/token-\d+/g) ?? [])
        .map((token) => Number(token.slice('token-'.length))),
    async close() {
      viewer.close();
      await product.close();
      await model.close();
    },
  };
};

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** The journal on the session's disk has the open answer up to this token: what a killed agent must leave. */
export const untilOnDisk = ({ product, sessionId }: House, token: number): Promise<true> =>
  until(
    async () => {
      const folder = join(product.dataDir, 'sessions', sessionId);
      for (const entry of await readdir(folder, { recursive: true })) {
        if (!entry.endsWith('.json')) continue;
        const content = await readFile(join(folder, entry), 'utf8').catch(() => '');
        if (content.includes(tokenName(token))) return true as const;
      }
      return null;
    },
    { what: `${tokenName(token)} in the journal` },
  );

/** Typed into a terminal it prints so many numbered lines, a hundred a second; a word at its end says that all are there. */
export const printLines = (count: number): string =>
  `stty -echo; i=0; while [ $i -lt ${count} ]; do i=$((i+1)); printf 'line-%06d\\n' $i; sleep 0.01; done; echo all''-there\r`;

/** Numbers of the lines `line-000001 …` that a program in the terminal printed. */
export const linesOf = (terminal: RecordingTerminal): number[] =>
  (terminal.text().match(/line-\d{6}(?=\r?\n)/g) ?? []).map((line) => Number(line.slice('line-'.length)));

/** What a fault did: numbers that never came, that came again, and that came where another belonged. */
export const compare = (seen: readonly number[], wanted: readonly number[]) => {
  const counts = new Map<number, number>();
  for (const number of seen) counts.set(number, (counts.get(number) ?? 0) + 1);
  return {
    lost: wanted.filter((number) => !counts.has(number)).length,
    twice: [...counts.values()].reduce((sum, count) => sum + count - 1, 0),
    wrong: seen.filter((number, at) => at > 0 && number < (seen[at - 1] ?? 0)).length,
  };
};

export interface FaultRow {
  lost: number;
  twice: number;
  wrong: number;
}

export const sumOf = (...rows: readonly FaultRow[]): FaultRow => ({
  lost: rows.reduce((sum, { lost }) => sum + lost, 0),
  twice: rows.reduce((sum, { twice }) => sum + twice, 0),
  wrong: rows.reduce((sum, { wrong }) => sum + wrong, 0),
});

export const seconds = (durationMs: number): string => `${(durationMs / 1000).toFixed(2)} s`;

/** One line for people, as `npm run test:faults` shows it. */
export const printRow = (fault: string, what: string, row: FaultRow, recoveryMs: number | null): void => {
  const back = recoveryMs === null ? '' : `  back after ${seconds(recoveryMs)}`;
  process.stdout.write(
    `${fault.padEnd(4)} ${what.padEnd(58)} lost ${row.lost}  twice ${row.twice}  wrong ${row.wrong}${back}\n`,
  );
};
