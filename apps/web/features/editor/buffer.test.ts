import { describe, expect, it } from 'vitest';
import fc from 'fast-check';

import { differingPiece, openBuffer, stepBuffer, type Buffer, type BufferAction, type BufferEvent } from './buffer';
import { decodeText } from './content';

const opened = openBuffer({ etag: '1', text: 'one' }, null).state;
const run = (state: Buffer, ...events: BufferEvent[]): { state: Buffer; actions: BufferAction[] } => {
  const actions: BufferAction[] = [];
  let now = state;
  for (const event of events) {
    const step = stepBuffer(now, event);
    now = step.state;
    actions.push(...step.actions);
  }
  return { state: now, actions };
};
const edited: BufferEvent = { type: 'edited', dirty: true };
const theirs = { etag: '2', text: 'two' };
const changed: BufferEvent = { type: 'disk', theirs, same: false };

describe('opening a file', () => {
  it('shows the disk where there is no draft, or one that says the same', () => {
    expect(openBuffer({ etag: '1', text: 'a' }, null)).toMatchObject({ text: 'a', state: { dirty: false, etag: '1' } });
    expect(openBuffer({ etag: '2', text: 'a' }, { etag: '1', text: 'a' })).toMatchObject({
      state: { dirty: false, etag: '2' },
    });
  });

  it('brings a draft back, as a conflict where the file has moved on or is gone', () => {
    expect(openBuffer({ etag: '1', text: 'a' }, { etag: '1', text: 'mine' })).toMatchObject({
      text: 'mine',
      state: { dirty: true, conflict: null },
    });
    const moved = openBuffer({ etag: '2', text: 'b' }, { etag: '1', text: 'mine' });
    expect(moved).toMatchObject({
      text: 'mine',
      state: { dirty: true, etag: '1', conflict: { kind: 'changed', theirs: { etag: '2' } } },
    });
    expect(openBuffer(null, { etag: '1', text: 'mine' })).toMatchObject({
      text: 'mine',
      state: { conflict: { kind: 'deleted' } },
    });
  });
});

describe('saving', () => {
  it('names the version that it replaces and takes over the new one', () => {
    const { state, actions } = run(opened, edited, { type: 'save' }, { type: 'saved', etag: '2', dirty: false });
    expect(actions).toEqual([{ type: 'put', etag: '1' }]);
    expect(state).toMatchObject({ etag: '2', dirty: false, saving: false });
  });

  it('does nothing twice at once, nor for a clean file, nor through a conflict', () => {
    expect(run(opened, { type: 'save' }).actions).toEqual([]);
    expect(run(opened, edited, { type: 'save' }, { type: 'save' }).actions).toHaveLength(1);
    expect(run(opened, edited, changed, { type: 'save' }).actions).toEqual([]);
  });

  it('keeps what is typed meanwhile as not saved', () => {
    expect(
      run(opened, edited, { type: 'save' }, edited, { type: 'saved', etag: '2', dirty: true }).state,
    ).toMatchObject({ dirty: true, etag: '2' });
  });

  it('says why it failed and keeps the text', () => {
    expect(
      run(opened, edited, { type: 'save' }, { type: 'save-failed', error: 'The disk is full.' }).state,
    ).toMatchObject({ dirty: true, error: 'The disk is full.', etag: '1' });
  });

  it('looks at the disk after it is done where something was told meanwhile', () => {
    const { actions } = run(
      opened,
      edited,
      { type: 'save' },
      { type: 'touched' },
      { type: 'saved', etag: '2', dirty: false },
    );
    expect(actions.map(({ type }) => type)).toEqual(['put', 'look']);
  });
});

describe('a file that changes on disk', () => {
  it('is shown where nothing was typed', () => {
    const { state, actions } = run(opened, changed);
    expect(actions).toEqual([{ type: 'replace', text: 'two' }]);
    expect(state).toMatchObject({ etag: '2', dirty: false, conflict: null });
  });

  it('is a conflict where something was typed, and never replaces it', () => {
    const { state, actions } = run(opened, edited, changed);
    expect(actions).toEqual([]);
    expect(state.conflict).toEqual({ kind: 'changed', theirs });
  });

  it('is no conflict where it says the same', () => {
    const { state, actions } = run(opened, edited, { type: 'disk', theirs, same: true });
    expect([state.etag, state.dirty, actions]).toEqual(['2', false, [{ type: 'settle' }]]);
  });

  it('can be overwritten by name of its new version, or taken', () => {
    expect(run(opened, edited, changed, { type: 'overwrite' }).actions).toEqual([{ type: 'put', etag: '2' }]);
    const taken = run(opened, edited, changed, { type: 'take-theirs' });
    expect([taken.state.etag, taken.state.dirty, taken.actions]).toEqual([
      '2',
      false,
      [{ type: 'replace', text: 'two' }],
    ]);
  });

  it('is a new conflict where it changed again before the overwrite arrived', () => {
    const third = { etag: '3', text: 'three' };
    const { state } = run(opened, edited, changed, { type: 'overwrite' }, { type: 'save-refused', theirs: third });
    expect(state).toMatchObject({ saving: false, dirty: true, conflict: { kind: 'changed', theirs: third } });
  });

  it('keeps its text when it is deleted, to be saved again as a new file', () => {
    const { state, actions } = run(opened, { type: 'disk', theirs: null, same: false }, { type: 'overwrite' });
    expect(state).toMatchObject({ saving: true });
    expect(actions).toEqual([{ type: 'put', etag: null }]);
  });

  it('has no conflict any more when the disk is back at its version', () => {
    expect(
      run(opened, edited, changed, { type: 'disk', theirs: { etag: '1', text: '' }, same: false }).state.conflict,
    ).toBeNull();
  });
});

describe('the piece in which two texts differ', () => {
  it('makes the one of the other, and splits no character', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '😀', '😁', 'é'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const { from, to, text: piece } = differingPiece(before, after);
        expect(before.slice(0, from) + piece + before.slice(to)).toBe(after);
        for (const at of [from, to]) expect(before.slice(0, at)).not.toMatch(/[\ud800-\udbff]$/);
      }),
    );
  });
});

describe('bytes as text', () => {
  it('takes UTF-8 with its mark, and nothing else', () => {
    expect(decodeText(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe('\ufeffa');
    expect(decodeText(new Uint8Array([0x61, 0, 0x62]))).toBeNull();
    expect(decodeText(new Uint8Array([0xff, 0xfe, 0x61]))).toBeNull();
  });
});
