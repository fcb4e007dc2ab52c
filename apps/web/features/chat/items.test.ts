import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NumberedEvent, SessionEvent } from '@remote-claude/contract';

import type { ItemOf } from './item';
import { createItemFolder, foldItems } from './items';

const at = '2026-01-01T00:00:00.000Z';
const by = { userId: '00000000-0000-4000-8000-000000000001', name: 'Ada' };
const turnId = '00000000-0000-4000-8000-00000000000a';
const usage = { inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, cacheWriteTokens: 4 };
const words = (text: string) => ({ text, bytes: text.length });

/** Numbers events from `first` on; ids are brands that a test need not make. */
const log = (events: object[], first = 1): NumberedEvent[] =>
  events.map((event, index) => ({ seq: first + index, at, event: event as SessionEvent }));

const user = (messageId: string, text = 'hello') => ({
  type: 'message.user',
  messageId,
  by,
  text: words(text),
  taskId: null,
});
const started = (...messageIds: string[]) => ({ type: 'turn.started', turnId, messageIds });
const said = (blockId: string, parentToolUseId: string | null = null) => ({
  type: 'text',
  turnId,
  blockId,
  text: words(blockId),
  parentToolUseId,
});
const called = (toolUseId: string, parentToolUseId: string | null = null) => ({
  type: 'tool.called',
  turnId,
  toolUseId,
  name: 'Bash',
  title: `Run ${toolUseId}`,
  input: { command: 'ls' },
  inputCut: false,
  parentToolUseId,
});
const finished = (toolUseId: string, parentToolUseId: string | null = null) => ({
  type: 'tool.finished',
  turnId,
  toolUseId,
  name: 'Bash',
  title: `Run ${toolUseId}`,
  outcome: 'ok',
  output: words('out'),
  durationMs: 5,
  parentToolUseId,
});
const place = (wanted: string, status: string, reason: string | null = null) => ({
  type: 'place.changed',
  wanted,
  status,
  step: null,
  reason,
  next: null,
});
const asked = (approvalId: string) => ({
  type: 'approval.asked',
  approval: {
    approvalId,
    turnId,
    kind: 'tool',
    tool: 'Bash',
    title: 'Run it',
    input: { command: 'ls' },
    sessionRule: null,
    agent: null,
    askedAt: at,
  },
});
const answered = (approvalId: string, decision: 'allow' | 'deny') => ({
  type: 'approval.answered',
  approvalId,
  by,
  decision,
  scope: 'session',
  input: null,
  reason: decision === 'deny' ? 'no' : null,
});
const ended = { type: 'turn.ended', turnId, outcome: 'completed', reason: null, message: null, usage, durationMs: 10 };
const paid = (costUsd: number) => ({ type: 'usage.recorded', turnId, model: 'm', usage, costUsd, priceKnown: true });

const toolsOf = (events: object[]): ItemOf<'tools'> => {
  const item = foldItems(log(events)).find(({ kind }) => kind === 'tools');
  if (item?.kind !== 'tools') throw new Error('There is no tool item.');
  return item;
};

describe('messages', () => {
  it('stand where their turn began, not where they were queued', () => {
    const items = foldItems(log([user('m1'), started('m1'), user('m2'), said('b1'), ended, started('m2')]));
    expect(items.map(({ key }) => key)).toEqual(['message:m1', 'block:b1', `turn:${turnId}`, 'message:m2']);
  });
  it('that were taken back never show', () => {
    expect(foldItems(log([user('m1'), { type: 'message.withdrawn', messageId: 'm1' }, started('m1')]))).toEqual([]);
  });
  it('that still wait are not items', () => {
    expect(foldItems(log([user('m1')]))).toEqual([]);
  });
  it('of a turn whose messages are older than the history here are left out', () => {
    expect(foldItems(log([started('m1'), said('b1')], 50)).map(({ kind }) => kind)).toEqual(['text']);
  });
});

describe('tool calls', () => {
  it('fold call, approval and end into one card', () => {
    const { calls } = toolsOf([called('t1'), asked('t1'), answered('t1', 'allow'), finished('t1')]);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      toolUseId: 't1',
      input: { command: 'ls' },
      outcome: 'ok',
      durationMs: 5,
      approval: { status: 'allowed', by: 'Ada', scope: 'session' },
    });
  });
  it('fold the same when the question is stored before the call', () => {
    const { calls } = toolsOf([asked('t1'), called('t1'), answered('t1', 'deny'), finished('t1')]);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ outcome: 'ok', approval: { status: 'denied', reason: 'no' } });
  });
  it('show the input that ran where a person changed it', () => {
    const changed = { ...answered('t1', 'allow'), input: { command: 'ls -l' } };
    const { calls } = toolsOf([called('t1'), asked('t1'), changed, finished('t1')]);
    expect(calls[0]).toMatchObject({ input: { command: 'ls -l' }, approval: { isEdited: true } });
    const form = { ...answered('t1', 'allow'), input: { answers: { 'Which?': 'Red' } } };
    expect(toolsOf([called('t1'), asked('t1'), form]).calls[0]).toMatchObject({
      input: { command: 'ls' },
      approval: { isEdited: false },
    });
  });
  it('show alone where only the end is known', () => {
    expect(toolsOf([finished('t1')]).calls[0]).toMatchObject({ title: 'Run t1', input: null, outcome: 'ok' });
  });
  it('in a row are one group, and text between them makes two', () => {
    const items = foldItems(log([called('t1'), called('t2'), finished('t1'), said('b1'), called('t3')]));
    expect(
      items.map((item) => (item.kind === 'tools' ? item.calls.map(({ toolUseId }) => toolUseId) : item.kind)),
    ).toEqual([['t1', 't2'], 'text', ['t3']]);
  });
  it('of a subagent lie under its call, at any depth, with what it says', () => {
    const { calls } = toolsOf([
      called('t1'),
      called('t2', 't1'),
      said('b1', 't1'),
      called('t3', 't2'),
      finished('t3', 't2'),
      finished('t1'),
    ]);
    expect(calls).toHaveLength(1);
    const inside = calls[0]?.inside ?? [];
    expect(inside.map((entry) => (entry.kind === 'call' ? entry.toolUseId : entry.key))).toEqual(['t2', 'b1']);
    const t2 = inside[0];
    expect(t2?.kind === 'call' ? t2.inside : []).toMatchObject([{ toolUseId: 't3', outcome: 'ok' }]);
  });
  it('of a subagent whose call is not in this history stand at the top', () => {
    expect(toolsOf([called('t2', 'gone')]).calls[0]?.toolUseId).toBe('t2');
  });
});

describe('turns', () => {
  it('show all that they cost, whichever came first', () => {
    for (const events of [
      [paid(0.25), ended, paid(0.5)],
      [ended, paid(0.5), paid(0.25)],
    ]) {
      expect(foldItems(log(events))).toMatchObject([{ kind: 'turn-end', costUsd: 0.75 }]);
    }
  });
  it('that were told ended twice end once', () => {
    expect(foldItems(log([ended, ended]))).toHaveLength(1);
  });
  it('keep what an interrupted block had', () => {
    const cut = { type: 'block.interrupted', turnId, blockId: 'b1', kind: 'text', text: words('half') };
    expect(foldItems(log([cut, { ...cut, blockId: 'b2', text: words('') }]))).toMatchObject([
      { kind: 'interrupted', text: { text: 'half' } },
    ]);
  });
});

describe('folding in pieces', () => {
  const event = fc.constantFrom<object>(
    user('m1'),
    user('m2'),
    started('m1'),
    started('m2'),
    said('b1'),
    said('b2', 't1'),
    called('t1'),
    called('t2', 't1'),
    finished('t1'),
    finished('t2', 't1'),
    asked('t1'),
    answered('t1', 'allow'),
    ended,
    paid(0.1),
    { type: 'message.withdrawn', messageId: 'm2' },
  );
  it('gives what folding at once gives, with unique keys', () => {
    fc.assert(
      fc.property(fc.uniqueArray(event, { maxLength: 15 }), fc.array(fc.nat(15), { maxLength: 5 }), (events, cuts) => {
        const whole = log(events);
        const folder = createItemFolder();
        for (const cut of [...cuts].sort((a, b) => a - b)) folder.fold(whole.slice(0, cut));
        const items = folder.fold(whole);
        expect(items).toEqual(foldItems(whole));
        expect(new Set(items.map(({ key }) => key)).size).toBe(items.length);
      }),
    );
  });
  it('keeps the objects of items that did not change', () => {
    const events = log([user('m1'), started('m1'), called('t1'), said('b1'), finished('t1')]);
    const folder = createItemFolder();
    const before = folder.fold(events.slice(0, 4));
    const after = folder.fold(events);
    expect(after[0]).toBe(before[0]);
    expect(after[2]).toBe(before[2]);
    expect(after[1]).not.toBe(before[1]);
    expect(before).toHaveLength(3);
  });
  it('begins anew when older history is put before', () => {
    const events = log([user('m1'), started('m1'), said('b1'), said('b2')]);
    const folder = createItemFolder();
    expect(folder.fold(events.slice(2))).toHaveLength(2);
    expect(folder.fold(events)).toEqual(foldItems(events));
  });
});

describe('the end of a session', () => {
  const notes = (...events: object[]): string[] =>
    foldItems(log(events)).flatMap((item) => (item.kind === 'note' ? [item.text] : []));

  it('is said once for each thing that ended, in its own word', () => {
    const stopped = [place('stopped', 'stopping'), place('stopped', 'stopped'), place('stopped', 'stopped')];
    const over = [place('terminated', 'stopped'), place('terminated', 'stopped')];
    expect(notes(...stopped, ...over)).toEqual(['The session was stopped.', 'The session was terminated.']);
    expect(notes(place('terminated', 'stopping'), place('terminated', 'stopped'))).toEqual([
      'The session was terminated.',
    ]);
  });

  it('is said again after it ran again, and with each new reason', () => {
    const stopped = place('stopped', 'stopped');
    expect(notes(stopped, place('running', 'running'), stopped)).toHaveLength(2);
    expect(notes(place('terminated', 'stopped'), place('terminated', 'stopped', 'The disk was removed.'))).toEqual([
      'The session was terminated.',
      'The disk was removed.',
    ]);
  });
});

describe('a rewind', () => {
  const rewindAsked = (rewindId: string) => ({ type: 'rewind.asked', rewindId, by, what: 'both', target: {} });
  const rewound = (rewindId: string, more: object) => ({
    type: 'rewind.done',
    rewindId,
    what: 'both',
    messageId: null,
    undoes: null,
    files: null,
    ...more,
  });
  const first = [user('m1'), started('m1'), said('b1'), called('t1'), finished('t1'), ended];
  const second = [user('m2'), started('m2'), said('b2'), called('t2')];
  const keys = (events: object[]): string[] => foldItems(log(events)).map(({ key }) => key);
  const back = [rewindAsked('r1'), rewound('r1', { messageId: 'm2' })];

  it('folds what was said since, and the conversation goes on before it', () => {
    const events = [...first, ...second, ...back, user('m3'), started('m3'), said('b3'), called('t3'), finished('t3')];
    const items = foldItems(log(events));
    expect(items.map(({ key }) => key)).toEqual([...keys(first), 'rewound:r1', 'message:m3', 'block:b3', 'tools:t3']);
    const folded = items.find((item) => item.kind === 'rewound') as ItemOf<'rewound'>;
    expect(folded).toMatchObject({ by: 'Ada', isUndo: false, what: 'both' });
    expect(folded.items.map(({ key }) => key)).toEqual(['message:m2', 'block:b2', 'tools:t2']);
    // What comes late for a call before the rewind still finds it.
    expect((items.at(-1) as ItemOf<'tools'>).calls[0]?.outcome).toBe('ok');
  });

  it('undone, brings it back and folds what came after', () => {
    const undo = [rewindAsked('r2'), rewound('r2', { undoes: 'r1' })];
    const events = [...first, ...second, ...back, user('m3'), started('m3'), ...undo];
    const items = foldItems(log(events));
    expect(items.map(({ key }) => key)).toEqual([...keys(first), 'message:m2', 'block:b2', 'tools:t2', 'rewound:r2']);
    expect((items.at(-1) as ItemOf<'rewound'>).items.map(({ key }) => key)).toEqual(['message:m3']);
    expect(foldItems(log([...events, finished('t2')])).find(({ key }) => key === 'tools:t2')).toMatchObject({
      calls: [{ outcome: 'ok' }],
    });
  });

  it('says where a fork begins, and what of the files is not there', () => {
    const by = { userId: '00000000-0000-4000-8000-000000000001', name: 'Ada' };
    const from = { sessionId: '00000000-0000-4000-8000-000000000002', messageId: null, name: 'First' };
    const forked = { type: 'session.forked', by, from };
    const counts = { files: 1, folders: 0, bytes: 1, isExact: true };
    const filled = (leftOut: number, paths: string[]) => ({
      type: 'fork.filled',
      ...counts,
      leftOut,
      skipped: { count: paths.length, items: paths.map((path) => ({ path, why: 'too-large' })) },
    });
    const notes = (event: object) => {
      const items = foldItems(log([...first, forked, event]));
      expect(items.slice(0, -2).map(({ key }) => key)).toEqual(keys(first));
      return items.slice(-2).map((item) => (item.kind === 'note' ? [item.text, item.next] : item.kind));
    };
    const begun = ['Ada forked this session from “First”. What is above was said there.', null];
    expect(notes(filled(0, []))).toEqual([begun, ['The files were copied.', null]]);
    expect(notes(filled(2, ['a', 'b', 'c', 'd']))).toEqual([
      begun,
      [
        'The files were copied, without 2 dependency folders and 4 paths that could not be kept.',
        'Not here: a, b, c, …',
      ],
    ]);
  });

  it('folds everything where its beginning is not loaded, and nothing where only files went back', () => {
    const items = foldItems(log([said('b2'), ...back], 40));
    expect(items.map(({ key }) => key)).toEqual(['rewound:r1']);
    const ofFiles = foldItems(log([...first, rewound('r3', { what: 'files', messageId: 'm1' })]));
    expect(ofFiles.map(({ key }) => key)).toEqual([...keys(first), 'rewound:r3']);
  });
});
