// A session that nobody uses: its Claude ends and comes back with the next prompt; stopped and started again, it is as it was.

import { routes, type SessionId } from '@remote-claude/contract';
import { text, userSays, type Conversation, type ScriptedModel } from '@remote-claude/scripted-model';
import headless from '@xterm/headless';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { claudePid, isRunning, untilGone } from '../support/host-processes.js';
import { output, startSession, stopSession, untilRunning } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { openTerminal, type RecordingTerminal } from '../support/terminal.js';
import { endOfTurn, sayIn } from '../support/turns.js';
import { enterAsViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

const idleMs = 3_000;
const account =
  'find . -mindepth 1 -printf "%P %y %m %s %T@ %l\\n" | sort; find . -type f -print0 | sort -z | xargs -0 -r sha256sum';
const making =
  'git init -q && mkdir -p src/deep empty && seq 1 2000 > src/deep/numbers.txt && printf "\\0\\1" > bytes.bin && ln -s src/deep link && chmod 750 src && git add -A && echo left > untracked.txt';

const knows = ({ request }: Conversation): string => {
  const messages = JSON.stringify(request.messages);
  return messages.includes('the word is PINEAPPLE') && messages.includes('I keep it in mind')
    ? 'It is PINEAPPLE.'
    : 'I was never told.';
};
/** What is drawn of these bytes, line by line, scrollback first. */
const linesOf = async (bytes: string): Promise<string[]> => {
  const drawn = new headless.Terminal({ cols: 80, rows: 24, scrollback: 5_000, allowProposedApi: true });
  await new Promise<void>((resolve) => drawn.write(bytes, resolve));
  const { active } = drawn.buffer;
  const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true) ?? '');
  drawn.dispose();
  return lines;
};

let model: ScriptedModel;
let product: Product;
let ada: Person;
let id: SessionId;
let viewer: Viewer;
let terminal: RecordingTerminal;

beforeAll(async () => {
  model = await startModel([
    { name: 'told', when: userSays('the word is'), answer: [text('I keep it in mind.')] },
    { name: 'asked', when: userSays('Which word'), answer: (conversation) => [text(knows(conversation))] },
  ]);
  product = await startProduct({ config: configFor(model, `sessions: { idleTimeout: ${idleMs}ms }`) });
  ada = await setUpAdmin(product);
  id = (await startSession(ada, { name: 'Parked' })).id;
  viewer = await enterAsViewer(product.url, ada, id);
});
afterAll(async () => {
  viewer?.close();
  await product?.close();
  await model?.close();
});

const answerTo = async (message: string): Promise<string | undefined> => {
  const ended = await endOfTurn(viewer, await sayIn(ada, id, viewer, message));
  expect(ended.outcome).toBe('completed');
  return ended.message?.text;
};
const history = () => ada.client.call(routes.claude.history, { params: { id }, query: { limit: 200 } });

describe('a session that nobody uses', () => {
  it('keeps its Claude while a job runs in the foreground of a terminal', async () => {
    terminal = await openTerminal(viewer);
    terminal.type('echo be""gun; sleep 1000\r');
    await terminal.until(/begun/);
    expect(await answerTo('Remember: the word is PINEAPPLE.')).toBe('I keep it in mind.');
    const claude = await claudePid(id);
    // What must not happen has three times its time to.
    await new Promise((resolve) => setTimeout(resolve, 3 * idleMs));
    expect(await isRunning(claude)).toBe(true);
  });

  it('parks when it is idle, and goes on with the same conversation', async () => {
    const claude = await claudePid(id);
    terminal.type('\u0003');
    await untilGone(claude);
    expect(await ada.client.call(routes.sessions.get, { params: { id } })).toMatchObject({ shown: 'idle' });
    expect(await answerTo('Which word was it?')).toBe('It is PINEAPPLE.');
  });

  it('stopped and started again it is as it was: tree, terminals, chat, and what Claude knows', async () => {
    terminal.type('seq 1 3000; echo the-e""nd\r');
    await terminal.until(/the-end/);
    await output(ada, id, making);
    const tree = await output(ada, id, account);
    const chat = await history();

    await stopSession(ada, id);
    await ada.client.call(routes.sessions.start, { params: { id } });
    await untilRunning(ada, id);

    expect(await output(ada, id, account)).toBe(tree);
    const again = await history();
    expect(again.items.slice(0, chat.items.length)).toEqual(chat.items);
    // As whoever comes now sees the terminal: its scrollback, in the words that it had.
    viewer.send('terminal', { action: 'attach', terminalId: terminal.id });
    const kept = await until(() => terminal.screens().find(({ ended }) => ended), { what: 'the screen that was left' });
    const lines = await linesOf(kept.screen);
    expect(lines).toContain('the-end');
    expect(lines.length).toBeGreaterThan(3_000);
    // The first prompt may have come as a screen, before any bytes.
    const sinceBegun = (all: string[]): string[] => all.slice(all.indexOf('begun'));
    expect(sinceBegun(lines)).toEqual(sinceBegun(await linesOf(terminal.text())));
    expect(await answerTo('Which word was it, then?')).toBe('It is PINEAPPLE.');
    expect(viewer.gaps()).toEqual([]);
    expect(viewer.repeats()).toEqual([]);
  });
});
