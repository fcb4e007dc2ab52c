// What a terminal shows, cell by cell, after the server was killed and after a viewer was away for long: what one who stayed
// sees. A headless emulator stands for the page.

import {
  decodeTerminalFrame,
  encodeTerminalFrame,
  frameKind,
  type TerminalId,
  type TerminalRequest,
} from '@remote-claude/contract';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import headless from '@xterm/headless';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { openViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';
import { openHouse, type House } from './support.js';

const size = { cols: 90, rows: 26 };
const terminalId = crypto.randomUUID() as TerminalId;
let house: House;
const viewers: Viewer[] = [];

beforeAll(async () => {
  house = await openHouse([]);
});
afterAll(async () => {
  for (const viewer of viewers) viewer.close();
  await house?.close();
});

/** A page's terminal: it draws, gives credit, and asks for the rest from where it was when the place is there again. */
const openPage = (viewer: Viewer) => {
  const terminal = new headless.Terminal({ ...size, scrollback: 5_000, allowProposedApi: true, logLevel: 'off' });
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  let at: number | undefined;
  let inputs = 0;
  const page = { restored: 0, skipped: 0, gaps: 0, away: false, drawnTo: 0 };
  const ask = (request: TerminalRequest): void => void viewer.send('terminal', request);
  const attach = (): void => ask({ action: 'attach', terminalId, ...(at === undefined ? {} : { after: at }) });
  const draw = (bytes: string | Uint8Array, offset: number): void => {
    at = offset;
    terminal.write(bytes, () => {
      page.drawnTo = offset;
      if (!page.away) ask({ action: 'ack', terminalId, offset });
    });
  };
  viewer.onBytes((bytes) => {
    const frame = decodeTerminalFrame(bytes);
    if (frame?.terminalId !== terminalId) return;
    const fresh = frame.bytes.subarray(Math.max(0, (at ?? 0) - frame.position));
    if (frame.position > (at ?? 0)) page.gaps += 1;
    if (fresh.length > 0) draw(fresh, frame.position + frame.bytes.length);
  });
  viewer.onMessage((message) => {
    if (message.type === 'place' && message.payload.reachable && !page.away) attach();
    if (message.type !== 'terminal-screen' || message.payload.terminalId !== terminalId) return;
    page.restored += 1;
    page.skipped += message.payload.skipped;
    terminal.write('', () => terminal.reset());
    draw(message.payload.screen, message.payload.offset);
  });
  const cells = (): string[] => {
    const { active } = terminal.buffer;
    return Array.from({ length: size.rows + Math.min(20, active.baseY) }, (_, row) => {
      const line = active.getLine(active.length - 1 - row);
      return Array.from({ length: size.cols }, (_unused, column) => {
        const cell = line?.getCell(column);
        return [
          cell?.getChars() || ' ',
          cell?.getWidth(),
          cell?.getFgColor(),
          cell?.getBgColor(),
          cell?.isBold(),
        ].join();
      }).join(' ');
    });
  };
  return Object.assign(page, {
    ask,
    attach,
    seen: () => ({
      cells: cells(),
      modes: terminal.modes,
      cursor: [terminal.buffer.active.cursorX, terminal.buffer.active.cursorY],
    }),
    text: () =>
      Array.from({ length: size.rows }, (_, row) =>
        terminal.buffer.active.getLine(terminal.buffer.active.baseY + row)?.translateToString(true),
      ).join('\n'),
    type(text: string) {
      inputs += 1;
      const bytes = Buffer.from(text);
      viewer.sendBytes(encodeTerminalFrame({ kind: frameKind.input, terminalId, position: inputs, bytes }));
    },
  });
};
type Page = ReturnType<typeof openPage>;

const untilShown = (page: Page, text: string) =>
  until(() => page.text().includes(text), { what: () => `"${text}" on\n${page.text()}`, timeoutMs: 90_000 });
const untilAlike = async (one: Page, other: Page): Promise<void> => {
  await until(() => one.drawnTo > 0 && one.drawnTo === other.drawnTo, {
    what: () => `both at one byte: ${one.drawnTo} and ${other.drawnTo}`,
    timeoutMs: 90_000,
  });
  expect(one.seen()).toEqual(other.seen());
};
const another = async (): Promise<Page> => {
  const viewer = openViewer(house.product.url, house.ada, house.sessionId);
  viewers.push(viewer);
  await until(() => viewer.messages().some(({ type }) => type === 'hello'), { what: 'a hello', timeoutMs: 60_000 });
  const page = openPage(viewer);
  page.attach();
  return page;
};

it('is what one who stayed sees, after a killed server and after a long absence', async () => {
  const first = openPage(house.viewer);
  first.ask({ action: 'create', terminalId, ...size });
  // A full-screen program: alternate screen, region, colours, wide characters, a hidden cursor.
  const draw = String.raw`printf '\033[?1049h\033[2J\033[3;20r\033[?6h\033[?25l\033[?2004h\033[38;2;9;200;30m漢字 👍 %s\n' still-here`;
  first.type(
    `stty -echo; seq 1 3000; ${draw}; sleep 8; printf 'after %s' the-fault; read x; printf '\\033[?1049l\\033[r'; seq 1 9; echo back\r`,
  );
  await untilShown(first, 'still-here');
  const restored = first.restored;
  await house.product.kill();
  await house.product.restart();
  await untilShown(first, 'after the-fault');
  // The exact tail, and no screen in its place.
  expect([first.gaps, first.restored]).toEqual([0, restored]);
  const second = await another();
  await untilAlike(second, first);
  expect(second.restored).toBe(1);

  // The second is away while more comes than is kept.
  second.away = true;
  second.ask({ action: 'detach', terminalId });
  first.type('\r');
  await untilShown(first, 'back');
  first.type('seq 1 900000; printf done-%s long\r');
  await untilShown(first, 'done-long');
  second.away = false;
  second.attach();
  await untilAlike(second, first);
  expect(second.restored).toBe(2);
  expect(second.skipped).toBeGreaterThan(0);
  expect([first.gaps, second.gaps]).toEqual([0, 0]);
}, 400_000);
