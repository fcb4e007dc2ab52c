import { randomUUID } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import type { AgentEvent, CommandId } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { scratchFolder, until } from '../testing/scratch.js';
import { createJournal, type Batch, type Journal, type JournalDeps } from './journal.js';

const event = (text: string): AgentEvent => ({
  type: 'command.refused',
  commandId: randomUUID() as CommandId,
  command: 'test',
  reason: text,
});
const reasons = (batch: Batch | null): string[] =>
  (batch?.proposals ?? []).map(({ event: one }) => (one.type === 'command.refused' ? one.reason : one.type));
const nothingSent = new Map<string, number>();

let scratch: ReturnType<typeof scratchFolder>;
let open: Journal[];
const create = (more: Partial<JournalDeps> = {}): Journal => {
  const journal = createJournal({ dir: join(scratch.path, 'journal'), log: () => undefined, ...more });
  open.push(journal);
  return journal;
};
const filesOf = (journal: Journal): string[] => {
  const folder = readdirSync(join(scratch.path, 'journal')).find((name) => name.endsWith(journal.source)) ?? '';
  return readdirSync(join(scratch.path, 'journal', folder))
    .filter((name) => name.endsWith('.log'))
    .map((name) => join(scratch.path, 'journal', folder, name));
};

beforeEach(() => {
  scratch = scratchFolder();
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((journal) => journal.close()));
  scratch.remove();
});

describe('the journal', () => {
  it('is written before it is kept, for who need not wait for the disk; both are found by the next life', async () => {
    const journal = create();
    const id = randomUUID() as CommandId;
    const order: string[] = [];
    await Promise.all([
      journal.append(event('kept')).then(() => order.push('kept')),
      journal.append(event('written'), [id], 'written').then(() => {
        order.push('written');
        expect(readFileSync(filesOf(journal)[0] ?? '', 'utf8')).toContain('"written"');
        // Only what the disk keeps is handed out.
        expect(journal.next(nothingSent)).toBeNull();
      }),
    ]);
    expect(order).toEqual(['written', 'kept']);
    expect(create().isDone(id)).toBe(true);
  });

  it('hands out what nobody waited for when the disk keeps it, at the latest with what comes next', async () => {
    const journal = create();
    let handedOut = '';
    journal.onReady(() => {
      handedOut = reasons(journal.next(nothingSent)).join();
    });
    await journal.append(event('first'), [], 'written');
    await until('its sync', () => handedOut === 'first');
    await journal.append(event('second'), [], 'written');
    await journal.append(event('third'));
    expect(handedOut).toBe('first,second,third');
  });

  it('numbers from 1 in the order of append and hands out what is on the disk', async () => {
    const journal = create();
    await Promise.all(['a', 'b', 'c'].map((text) => journal.append(event(text))));
    const batch = journal.next(nothingSent);
    expect(batch?.source).toBe(journal.source);
    expect(batch?.proposals.map(({ n }) => n)).toEqual([1, 2, 3]);
    expect(reasons(batch)).toEqual(['a', 'b', 'c']);
    expect(journal.next(new Map([[journal.source, 2]]))?.proposals.map(({ n }) => n)).toEqual([3]);
    expect(journal.next(new Map([[journal.source, 3]]))).toBeNull();
  });

  it('writes appends that follow each other closely, also from a resolved append', async () => {
    const journal = create();
    const chain = async (name: string): Promise<void> => {
      for (let index = 0; index < 50; index += 1) await journal.append(event(`${name}${index}`));
    };
    await Promise.all([chain('a'), chain('b'), chain('c')]);
    const seen: number[] = [];
    for (
      let batch = journal.next(nothingSent);
      batch !== null;
      batch = journal.next(new Map([[journal.source, seen.at(-1) ?? 0]]))
    ) {
      expect(batch.proposals.length).toBeLessThanOrEqual(100);
      seen.push(...batch.proposals.map(({ n }) => n));
    }
    expect(seen).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
  });

  it('keeps batches below half a mebibyte', async () => {
    const journal = create();
    for (let index = 0; index < 30; index += 1) void journal.append(event('x'.repeat(40_000)));
    await journal.append(event('last'));
    const batch = journal.next(nothingSent);
    expect(JSON.stringify(batch).length).toBeLessThan(512 * 1024 + 1_000);
    expect(batch?.proposals.length).toBeGreaterThan(5);
  });

  it('proposes what an earlier life left first, under its own source', async () => {
    const first = create();
    await first.append(event('old 1'));
    await first.append(event('old 2'));
    first.acknowledge(first.source, 1);
    await first.close();
    const second = create();
    expect(second.source).not.toBe(first.source);
    await second.append(event('new'));
    const older = second.next(nothingSent);
    expect(older?.source).toBe(first.source);
    expect(older?.proposals.map(({ n }) => n)).toEqual([2]);
    expect(reasons(second.next(new Map([[first.source, 2]])))).toEqual(['new']);
    expect(second.earlier).toHaveLength(2);
    second.acknowledge(first.source, 2);
    expect(readdirSync(join(scratch.path, 'journal')).some((name) => name.endsWith(first.source))).toBe(false);
  });

  it('leaves out a record that a kill tore, wherever it was cut', async () => {
    const journal = create();
    for (const text of ['a', 'b', 'c']) await journal.append(event(text));
    await journal.close();
    const [file = ''] = filesOf(journal);
    const whole = readFileSync(file);
    const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (const cut of [lastLine + 1, lastLine + 9, whole.length - 2, whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, cut));
      const next = create();
      expect(reasons(next.next(nothingSent))).toEqual(['a', 'b']);
      await next.close();
    }
    writeFileSync(file, whole);
    appendFileSync(file, '00000000 {"n":4}\n');
    const next = create();
    expect(reasons(next.next(nothingSent))).toEqual(['a', 'b', 'c']);
  });

  it('does not trust a record whose bytes changed', async () => {
    const journal = create();
    for (const text of ['a', 'b', 'c']) await journal.append(event(text));
    await journal.close();
    const [file = ''] = filesOf(journal);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"reason":"b"', '"reason":"B"'));
    expect(reasons(create().next(nothingSent))).toEqual(['a']);
  });

  it('removes the files of what was acknowledged', async () => {
    const journal = create({ segmentBytes: 2_000 });
    for (let index = 0; index < 40; index += 1) await journal.append(event('x'.repeat(200)));
    const before = filesOf(journal).length;
    expect(before).toBeGreaterThan(3);
    journal.acknowledge(journal.source, 38);
    await until('the files to go', () => filesOf(journal).length <= 2);
    expect(journal.next(nothingSent)?.proposals.map(({ n }) => n)).toEqual([39, 40]);
    await journal.close();
    expect(reasons(create().next(nothingSent))).toHaveLength(2);
  });

  it('skips what is rejected and nothing else', async () => {
    const journal = create();
    for (const text of ['a', 'b', 'c']) await journal.append(event(text));
    journal.reject(journal.source, 2, 'malformed');
    expect(reasons(journal.next(nothingSent))).toEqual(['a', 'c']);
  });

  it('makes append wait when too much is unacknowledged', async () => {
    const journal = create({ maxBytes: 3_000 });
    for (let index = 0; index < 5; index += 1) await journal.append(event('x'.repeat(300)));
    expect(journal.whenRoom()).toBeNull();
    let wentOn = false;
    const waiting = journal.append(event('x'.repeat(3_000))).then(() => (wentOn = true));
    await until(
      'the record to be on the disk',
      () => (journal.next(new Map([[journal.source, 5]]))?.proposals.length ?? 0) === 1,
    );
    expect(journal.whenRoom()).not.toBeNull();
    expect(wentOn).toBe(false);
    journal.acknowledge(journal.source, 6);
    await waiting;
    expect(journal.whenRoom()).toBeNull();
  });

  it('lets go of whoever waits for room once it is released, and keeps what they say', async () => {
    const journal = create({ maxBytes: 1_000 });
    const waiting = journal.append(event('x'.repeat(2_000)));
    await until('no room', () => journal.next(nothingSent) !== null && journal.whenRoom() !== null);
    journal.release();
    await waiting;
    expect(journal.whenRoom()).toBeNull();
    await journal.append(event('last words'));
    await journal.close();
    expect(reasons(create().next(nothingSent)).at(-1)).toBe('last words');
  });

  it('lets go of whoever waits for a disk that takes nothing, also of those who come then', async () => {
    const journal = create({ retryMs: 20 });
    const told: (string | null)[] = [];
    journal.onTrouble((problem) => told.push(problem));
    writeFileSync(join(scratch.path, 'journal', `00000001-${journal.source}`), '');
    const waiting = [journal.append(event('a')), journal.append(event('b'), [], 'written')];
    await until('the trouble', () => told.length === 1);
    journal.release();
    await Promise.all(waiting);
    await journal.append(event('c'));
    expect(journal.whenRoom()).toBeNull();
    await journal.close();
  });

  it('knows a done command across lives, also when its record is gone', async () => {
    const [early, late] = [randomUUID() as CommandId, randomUUID() as CommandId];
    const first = create();
    await first.append(event('a'), [early]);
    await first.append(event('b'), [late]);
    expect(first.isDone(early)).toBe(true);
    first.acknowledge(first.source, 1);
    await first.close();
    const second = create();
    expect([second.isDone(early), second.isDone(late), second.isDone(randomUUID() as CommandId)]).toEqual([
      true,
      true,
      false,
    ]);
    second.acknowledge(first.source, 2);
    await second.close();
    const third = create();
    expect([third.isDone(early), third.isDone(late)]).toEqual([true, true]);
  });

  it('waits while the disk takes nothing, says so, and goes on by itself', async () => {
    const journal = create({ retryMs: 20 });
    const told: (string | null)[] = [];
    journal.onTrouble((problem) => told.push(problem));
    // A file stands where the journal's folder must be made.
    const folder = join(scratch.path, 'journal', `00000001-${journal.source}`);
    writeFileSync(folder, '');
    let isWritten = false;
    const waiting = journal.append(event('a')).then(() => (isWritten = true));
    await until('the trouble', () => told.length === 1);
    expect(told[0]).toContain('cannot be written');
    expect(journal.whenRoom()).not.toBeNull();
    expect(isWritten).toBe(false);
    expect(journal.next(nothingSent)).toBeNull();
    rmSync(folder);
    await waiting;
    expect(told).toEqual([told[0], null]);
    expect(statSync(folder).isDirectory()).toBe(true);
    expect(reasons(journal.next(nothingSent))).toEqual(['a']);
  });

  it('writes many events in few syncs', async () => {
    const journal = create();
    const startedAt = Date.now();
    await Promise.all(Array.from({ length: 2_000 }, (_, index) => journal.append(event(String(index)))));
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    expect(existsSync(filesOf(journal)[0] ?? '')).toBe(true);
  });

  it('goes on after a kill that truncated the file to nothing', async () => {
    const journal = create();
    await journal.append(event('a'));
    await journal.close();
    truncateSync(filesOf(journal)[0] ?? '', 0);
    const next = create();
    expect(next.next(nothingSent)).toBeNull();
    await next.append(event('b'));
    expect(reasons(next.next(nothingSent))).toEqual(['b']);
  });
});
