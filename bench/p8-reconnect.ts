// P8: a viewer whose line broke comes back while others went on: from the first byte of its new connection (sign-in and rights
// checked again) until it has every event and every byte of its terminal, and how many were lost or came twice. Against a bare
// WebSocket server that sends the same without knowing anyone.
import { decodeTerminalFrame, routes } from '@remote-claude/contract';
import { text, userSays, type Script } from '@remote-claude/scripted-model';

import { signInByCookie } from '../tests/support/calls.js';
import { startSession } from '../tests/support/inside.js';
import { socketAddress } from '../tests/support/knock.js';
import { openTerminal } from '../tests/support/terminal.js';
import { endOfTurn, sayIn } from '../tests/support/turns.js';
import { enterAsViewer } from '../tests/support/viewer.js';
import { until } from '../tests/support/wait.js';
import { openBareServer } from './support/bare-server.js';
import { ms, noPeer, ofRounds, printTable, times, watchMachine } from './support/report.js';
import { alternate } from './support/rounds.js';
import { comeBack, type Cursor, type Return } from './support/returning.js';
import { median, pairwise, percentile, ratio } from './support/statistics.js';
import { withProduct } from './support/with-product.js';

const turnsMissed = 6;
const linesMissed = 8_000;
const returnsPerRound = 20;
const goalMs = 100;
const script: Script = [{ name: 'greet', when: userSays('Greet'), answer: [text('Hello there, this is the answer.')] }];

await withProduct(script, async ({ product, ada }) => {
  const session = await startSession(ada);
  const stays = await enterAsViewer(product.url, ada, session.id);
  const terminal = await openTerminal(stays);
  const bare = await openBareServer();
  try {
    let end = 0;
    stays.onBytes((bytes) => {
      const frame = decodeTerminalFrame(bytes);
      if (frame?.terminalId === terminal.id) end = frame.position + frame.bytes.length;
    });
    const headers = { cookie: await signInByCookie(product, ada), origin: product.url };
    const address = socketAddress(product, 'ws', session.id);
    const hello = stays.messages().find(({ type }) => type === 'hello');
    if (hello?.type !== 'hello') throw new Error('The session did not say hello.');
    const { epoch } = hello.payload;
    const head = async (): Promise<number> =>
      (await ada.client.call(routes.claude.history, { params: { id: session.id }, query: { limit: 1 } })).head;
    const greet = async (): Promise<void> => {
      const turn = await sayIn(ada, session.id, stays, 'Greet me.');
      await endOfTurn(stays, turn);
    };
    const here = async (): Promise<Cursor> => ({
      epoch,
      seq: await head(),
      terminal: { id: terminal.id, position: end },
    });

    await greet();
    terminal.type("PS1=; stty -echo; printf 'rea''dy'\r");
    await terminal.until(/ready/);
    const left = await here();
    for (let turn = 0; turn < turnsMissed; turn += 1) await greet();
    terminal.type(`seq -f 'line %.0f of what was missed' 1 ${linesMissed}; printf 'the''-end'\r`);
    await terminal.until(/the-end/);
    // What a turn leaves to do, its cost and its checkpoint, is in the log by then.
    for (let before = -1; before !== (await head());) {
      before = await head();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    const back = await here();
    await until(() => stays.events().at(-1)?.seq === back.seq, { what: 'the last event' });

    const missed = Buffer.from(terminal.text()).subarray(-(end - (left.terminal?.position ?? 0)));
    const events = stays.events().filter(({ seq }) => seq > left.seq);
    const all: Return[] = [];
    const returns = (to: string, withTerminal: boolean) => async (): Promise<number[]> => {
      const strip = (cursor: Cursor): Cursor => (withTerminal ? cursor : { ...cursor, terminal: null });
      const position = left.terminal?.position ?? 0;
      bare.serve({ events, terminal: withTerminal ? { id: terminal.id, position, bytes: missed } : null });
      const round: number[] = [];
      for (let count = 0; count < returnsPerRound; count += 1) {
        const found = await comeBack(to, headers, strip(left), strip(back));
        if (to === address) all.push(found);
        round.push(found.ms);
      }
      return round;
    };

    const printMachine = watchMachine();
    const measured = await alternate([
      { name: 'chat', measure: returns(address, false) },
      { name: 'bare chat', measure: returns(bare.address, false) },
      { name: 'both', measure: returns(address, true) },
      { name: 'bare both', measure: returns(bare.address, true) },
    ]);
    const figures = (name: string, share: number): number[] =>
      (measured.get(name) ?? []).map((round) => (share === 0.5 ? median(round) : percentile(round, share)));
    const row = (label: string, name: string): string[] => [
      label,
      ofRounds(figures(name, 0.5), ms),
      ofRounds(figures(name, 0.99), ms),
      ofRounds(pairwise(figures(name, 0.5), figures(`bare ${name}`, 0.5), ratio), times),
    ];
    const bareRow = (label: string, name: string): string[] => [
      label,
      ofRounds(figures(name, 0.5), ms),
      ofRounds(figures(name, 0.99), ms),
      '',
    ];
    const sum = (key: 'lost' | 'twice'): number => all.reduce((total, found) => total + found[key], 0);
    const worst = Math.max(median(figures('chat', 0.5)), median(figures('both', 0.5)));
    const kib = Math.round(missed.length / 1_024);
    printTable([
      [`${returnsPerRound} returns a round`, 'p50 (rounds)', 'p99 (rounds)', 'ratio to the bare server'],
      row(`product: ${events.length} events missed`, 'chat'),
      row(`product: and ${kib} KiB of a terminal`, 'both'),
      bareRow('bare ws: the same events', 'bare chat'),
      bareRow('bare ws: the same events and bytes', 'bare both'),
      [`goal: at most ${goalMs} ms`, worst <= goalMs ? 'reached' : 'missed', '', ''],
      [`lost and twice in ${all.length} returns (goal: 0, 0)`, `${sum('lost')}, ${sum('twice')}`, '', ''],
      ['another product', noPeer('none that is exact'), '', ''],
    ]);
    printMachine();
  } finally {
    await bare.close();
    stays.close();
  }
});
