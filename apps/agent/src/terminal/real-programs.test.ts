import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decodeTerminalFrame, type TerminalId } from '@remote-claude/contract';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { drawn, seen } from '../testing/seen-screen.js';
import { createEmulator } from './emulator.js';
import { createTerminals, type Terminals, type Viewer, type ViewerSink } from './index.js';

const size = { cols: 90, rows: 28 };
let folder = '';
let terminals: Terminals;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'programs-'));
  const lines = Array.from({ length: 300 }, (_, index) => `${index} ein Satz, 漢字 und 👍\t${'~'.repeat(index % 90)}`);
  await writeFile(join(folder, 'text'), lines.join('\n'));
  terminals = await createTerminals({
    workspace: folder,
    stateDir: join(folder, 'state'),
    env: { PATH: '/usr/bin:/bin', HOME: folder, PS1: '$ ', HISTFILE: '', LANG: 'C.UTF-8' },
    shell: '/bin/bash',
    propose: () => Promise.resolve(),
    log: () => {},
  });
});
afterEach(async () => {
  await terminals.close();
  await rm(folder, { recursive: true, force: true });
});

/** A page without a browser: an emulator that draws what its viewer gets, and answers the program as a page does. */
const watch = async (id: TerminalId) => {
  const emulator = createEmulator(size.cols, size.rows, 5_000);
  const watcher = { emulator, at: 0, restored: 0, viewer: null as Viewer | null };
  let restoring = false;
  const draw = (bytes: string | Uint8Array, at: number): void =>
    void drawn(emulator, bytes).then(() => {
      restoring = false;
      watcher.at = at;
      watcher.viewer?.ack(at);
    });
  const sink: ViewerSink = {
    person: null,
    mayType: true,
    writable: () => true,
    message(message) {
      if (message.type !== 'terminal-screen') return;
      watcher.restored += 1;
      restoring = true;
      emulator.terminal.reset();
      draw(message.payload.screen, message.payload.offset);
    },
    output(bytes) {
      const frame = decodeTerminalFrame(bytes)!;
      draw(frame.bytes, frame.position + frame.bytes.length);
    },
  };
  emulator.terminal.onData((data) => {
    if (!restoring) terminals.write(id, Buffer.from(data), { person: null, viewer: watcher.viewer ?? undefined });
  });
  watcher.viewer = await terminals.attach(id, sink);
  return watcher;
};

const text = ({ emulator }: Awaited<ReturnType<typeof watch>>): string => {
  const { active } = emulator.terminal.buffer;
  const lines = Array.from({ length: size.rows }, (_, row) => active.getLine(active.baseY + row));
  return lines.map((line) => line?.translateToString(true)).join('\n');
};

/** How each is begun, what its screen then shows, what is typed before and after the second viewer comes, and how it ends. */
const programs: Record<string, [begin: string, shows: string, before: string, after: string, end: string]> = {
  vim: [
    'vim -u NONE -c "set ruler showcmd ttyfast t_Co=256" -c "syntax on" text',
    'ein Satz',
    '12Gdd2pV3j>:sp\r\u0006',
    'iwritten here\u001bGo漢字 end\u001bgg',
    '\u001b:qa!\r',
  ],
  less: ['less text', 'ein Satz', 'ff/137\r', 'kkkGbb', 'q'],
  top: ['top -d 100', 'COMMAND', 'z', 'c', 'q'],
};

for (const [program, [begin, shows, before, after, end]] of Object.entries(programs)) {
  test.skipIf(!existsSync(`/usr/bin/${program}`))(
    `a viewer that comes late sees ${program} as the first one does`,
    async () => {
      const id = randomUUID() as TerminalId;
      await terminals.create({ terminalId: id, ...size });
      const first = await watch(id);
      const type = (keys: string): void => terminals.write(id, Buffer.from(keys), { person: null });
      const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 30_000, interval: 20 });
      type('clear; seq 1 200; tput sgr0\r');
      await until(() => expect(text(first)).toContain('199\n200\n'));
      type(`${begin}\r`);
      await until(() => expect(text(first)).toContain(shows));
      type(before);
      const second = await watch(id);
      type(after);
      const alike = (): Promise<void> =>
        until(() => {
          expect(second.at).toBe(first.at);
          expect(seen(second.emulator)).toEqual(seen(first.emulator));
        });
      await alike();
      const third = await watch(id);
      type(end);
      await until(() => expect(first.emulator.terminal.buffer.active.type).toBe('normal'));
      // What is typed while a program ends is its own to throw away, also a moment after its screen has gone.
      let typedAt = -Infinity;
      await until(() => {
        if (performance.now() - typedAt > 2_000) {
          typedAt = performance.now();
          type('echo ba""ck\r');
        }
        expect(text(first)).toContain('\nback\n');
      });
      await alike();
      await until(() => expect(seen(third.emulator)).toEqual(seen(first.emulator)));
      expect([second.restored, third.restored]).toEqual([1, 1]);
    },
  );
}
