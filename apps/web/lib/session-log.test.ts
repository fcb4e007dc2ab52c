import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  initialSessionState,
  reduceSession,
  type NumberedEvent,
  type ServerMessage,
  type ServerMessageOf,
  type SessionEvent,
} from '@remote-claude/contract';

import { applyMessage, emptyLog, lastSeq, prepend, withoutDropped, type SessionLog } from './session-log';

const at = '2026-01-01T00:00:00.000Z';
const turnId = '00000000-0000-4000-8000-00000000000a';
const usage = { inputTokens: 1, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
/** Each costs one, so that a fold that takes one twice, or leaves one out, is seen in the sum. */
const paid = (seq: number): NumberedEvent => ({
  seq,
  at,
  event: { type: 'usage.recorded', turnId, model: 'm', usage, costUsd: 1, priceKnown: true } as SessionEvent,
});
const run = (from: number, to: number): NumberedEvent[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => paid(from + index));
const stateAt = (head: number) => run(1, head).reduce(reduceSession, initialSessionState);

const hello = (
  head: number,
  events: NumberedEvent[],
  more: Partial<ServerMessageOf<'hello'>['payload']> = {},
): ServerMessage => ({
  id: 'h',
  type: 'hello',
  payload: {
    epoch: 'e',
    first: 1,
    head,
    state: stateAt(head),
    events,
    open: [],
    permissions: ['session.chat.write'],
    ...more,
  },
});
const events = (list: NumberedEvent[]): ServerMessage => ({ id: 'e', type: 'events', payload: { events: list } });
const delta = (blockId: string, offset: number, content: string): ServerMessage =>
  ({
    id: 's',
    type: 'claude-stream',
    payload: { turnId, blockId, type: 'text', tool: null, parentToolUseId: null, offset, content },
  }) as ServerMessage;
const dropped = (blockId: string): ServerMessage =>
  ({ id: 'd', type: 'block-dropped', payload: { blockId } }) as ServerMessage;
const final = (seq: number, blockId: string): NumberedEvent =>
  ({
    seq,
    at,
    event: { type: 'text', turnId, blockId, text: { text: 'all', bytes: 3 }, parentToolUseId: null },
  }) as unknown as NumberedEvent;

const play = (messages: ServerMessage[], from: SessionLog = emptyLog): SessionLog =>
  messages.reduce((log, message) => applyMessage(log, message).log, from);
const seqs = (log: SessionLog): number[] => log.events.map(({ seq }) => seq);
const texts = (log: SessionLog): string[] => log.blocks.map(({ text }) => text);

describe('a first load', () => {
  it('takes state and last events as they are', () => {
    const log = play([hello(10, run(6, 10))]);
    expect(seqs(log)).toEqual([6, 7, 8, 9, 10]);
    expect(log.state.costUsd).toBe(10);
    expect(log.loaded).toBe(true);
  });
  it('of an empty session goes on with number 1', () => {
    const log = play([hello(0, [], { first: 0 }), events(run(1, 2))]);
    expect(seqs(log)).toEqual([1, 2]);
    expect(log.state.costUsd).toBe(2);
    expect(log.first).toBe(1);
  });
  it('is waited for before anything else counts', () => {
    expect(play([events(run(1, 2)), delta('b', 0, 'x')])).toBe(emptyLog);
  });
});

describe('events', () => {
  it('fold into the state once, however often they come', () => {
    const log = play([hello(2, run(1, 2)), events(run(2, 4)), events(run(3, 4)), events(run(1, 5))]);
    expect(seqs(log)).toEqual([1, 2, 3, 4, 5]);
    expect(log.state.costUsd).toBe(5);
  });
  it('with a gap ask for a new subscription and keep what was whole', () => {
    const loaded = play([hello(2, run(1, 2))]);
    const applied = applyMessage(loaded, events([paid(3), paid(5)]));
    expect(applied.resubscribe).toBe(true);
    expect(seqs(applied.log)).toEqual([1, 2, 3]);
    expect(applied.log.state.costUsd).toBe(3);
  });
  it('that follow a hello with a cursor are not folded into its state again', () => {
    const log = play([hello(3, run(1, 3)), hello(6, []), events(run(4, 6)), events([paid(7)])]);
    expect(seqs(log)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(log.state.costUsd).toBe(7);
    expect(log.head).toBe(7);
  });
  it('beyond the head of a server that lags are kept', () => {
    const log = play([hello(3, run(1, 3)), hello(2, [])]);
    expect(seqs(log)).toEqual([1, 2, 3]);
    expect(play([events(run(2, 4))], log).state.costUsd).toBe(4);
  });
  it('of another epoch replace everything', () => {
    const log = play([hello(5, run(1, 5)), hello(2, run(1, 2), { epoch: 'restored' })]);
    expect(seqs(log)).toEqual([1, 2]);
    expect(log.state.costUsd).toBe(2);
  });
  it('arrive whole after any cuts, repeats and reconnections', () => {
    const step = fc.record({
      from: fc.integer({ min: 1, max: 30 }),
      length: fc.integer({ min: 1, max: 8 }),
      reconnect: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        let log = play([hello(1, run(1, 1))]);
        for (const { from, length, reconnect } of steps) {
          const applied = applyMessage(log, events(run(from, Math.min(30, from + length - 1))));
          log = applied.log;
          if (applied.resubscribe || reconnect) log = play([hello(30, []), events(run(lastSeq(log) + 1, 30))], log);
          expect(seqs(log)).toEqual(run(1, lastSeq(log)).map(({ seq }) => seq));
        }
        log = play([hello(30, []), events(run(lastSeq(log) + 1, 30))], log);
        expect(seqs(log)).toHaveLength(30);
        expect(log.state.costUsd).toBe(30);
      }),
    );
  });
});

describe('open blocks', () => {
  const loaded = play([hello(1, run(1, 1))]);
  it('grow by their offsets, and repeats and overlaps change nothing', () => {
    const log = play([delta('b', 0, 'Hel'), delta('b', 0, 'Hel'), delta('b', 2, 'llo'), delta('b', 5, '!')], loaded);
    expect(texts(log)).toEqual(['Hello!']);
  });
  it('with a hole, or begun without us, ask for a snapshot', () => {
    expect(applyMessage(loaded, delta('b', 3, 'lo'))).toEqual({ log: loaded, resubscribe: true });
    const begun = play([delta('b', 0, 'He')], loaded);
    expect(applyMessage(begun, delta('b', 4, 'o'))).toEqual({ log: begun, resubscribe: true });
  });
  it('are replaced by a snapshot', () => {
    const snapshot = {
      id: 'o',
      type: 'open-block',
      payload: { turnId, blockId: 'b', kind: 'text', tool: null, parentToolUseId: null, text: 'Whole' },
    } as ServerMessage;
    expect(texts(play([delta('b', 0, 'Wh'), snapshot, delta('b', 5, '.')], loaded))).toEqual(['Whole.']);
  });
  it('give way to their final event', () => {
    expect(texts(play([delta('b', 0, 'al'), delta('c', 0, 'x'), events([final(2, 'b')])], loaded))).toEqual(['x']);
  });
  it('that were dropped stay until the final event, a new block, or the end of their time', () => {
    const gone = play([delta('b', 0, 'al'), dropped('b')], loaded);
    expect(gone.blocks).toMatchObject([{ text: 'al', dropped: true }]);
    expect(texts(play([events([final(2, 'b')])], gone))).toEqual([]);
    expect(texts(play([delta('c', 0, 'new')], gone))).toEqual(['new']);
    expect(texts(withoutDropped(gone))).toEqual([]);
  });
  it('of a turn end with it', () => {
    const end = {
      seq: 2,
      at,
      event: { type: 'turn.ended', turnId, outcome: 'interrupted', reason: null, message: null, usage, durationMs: 1 },
    } as unknown as NumberedEvent;
    expect(texts(play([delta('b', 0, 'x'), events([end])], loaded))).toEqual([]);
  });
});

describe('older history', () => {
  const loaded = play([hello(9, run(6, 9))]);
  it('is put before what is there, without repeats', () => {
    expect(seqs(prepend(loaded, run(3, 6)))).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(prepend(loaded, run(3, 6)).state).toBe(loaded.state);
  });
  it('that does not reach up to it changes nothing', () => {
    expect(prepend(loaded, run(1, 3))).toBe(loaded);
    expect(prepend(loaded, [])).toBe(loaded);
  });
});
