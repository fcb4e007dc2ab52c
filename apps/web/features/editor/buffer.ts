/**
 * One open file against its version on disk. Pure: it knows no editor, no request and no storage; the text itself is the caller's.
 * Invariants: what a person typed is replaced only when they say so; a save always names the version that it replaces;
 * while a conflict is open nothing is saved.
 */

/** A version on disk. */
export interface DiskVersion {
  etag: string;
  text: string;
}

export type Conflict = { kind: 'changed'; theirs: DiskVersion } | { kind: 'deleted' };

export interface Buffer {
  /** The version that the text comes from; null where there is none on disk. */
  etag: string | null;
  /** The text differs from that version. */
  dirty: boolean;
  saving: boolean;
  /** Something changed on disk while it was being saved: look when that is done. */
  lookAgain: boolean;
  conflict: Conflict | null;
  /** Why the last save failed: a sentence. */
  error: string | null;
}

export interface Draft {
  etag: string | null;
  text: string;
}

export type BufferEvent =
  | { type: 'edited'; dirty: boolean }
  | { type: 'save' }
  /** `dirty`: it was edited while it was saved. */
  | { type: 'saved'; etag: string; dirty: boolean }
  /** Another version is there; null for none. */
  | { type: 'save-refused'; theirs: DiskVersion | null }
  | { type: 'save-failed'; error: string }
  /** The file may have changed on disk. */
  | { type: 'touched' }
  /** What is on disk; null for nothing. `same`: its text is the buffer's text. */
  | { type: 'disk'; theirs: DiskVersion | null; same: boolean }
  | { type: 'overwrite' }
  | { type: 'take-theirs' };

export type BufferAction =
  | { type: 'put'; etag: string | null }
  /** Read the version on disk, if it is not the one named. */
  | { type: 'look' }
  /** Put this text in place of the buffer's, cursor kept; it is clean then. */
  | { type: 'replace'; text: string }
  /** The buffer's text is what is on disk. */
  | { type: 'settle' }
  | { type: 'close' };

export interface BufferStep {
  state: Buffer;
  actions: BufferAction[];
}

const clean = (etag: string | null): Buffer => ({
  etag,
  dirty: false,
  saving: false,
  lookAgain: false,
  conflict: null,
  error: null,
});

/** A file as it was opened: the text to show, and what its draft of an earlier visit means. */
export const openBuffer = (disk: DiskVersion | null, draft: Draft | null): { state: Buffer; text: string } => {
  if (draft === null || draft.text === disk?.text) return { state: clean(disk?.etag ?? null), text: disk?.text ?? '' };
  const dirty = { ...clean(draft.etag), dirty: true };
  if (disk === null) return { state: { ...dirty, conflict: { kind: 'deleted' } }, text: draft.text };
  if (disk.etag === draft.etag) return { state: dirty, text: draft.text };
  return { state: { ...dirty, conflict: { kind: 'changed', theirs: disk } }, text: draft.text };
};

const stay = (state: Buffer): BufferStep => ({ state, actions: [] });
const put = (state: Buffer, etag: string | null): BufferStep => ({
  state: { ...state, etag, saving: true, conflict: null, error: null },
  actions: [{ type: 'put', etag }],
});
const against = (theirs: DiskVersion | null): Conflict =>
  theirs === null ? { kind: 'deleted' } : { kind: 'changed', theirs };
/** A save is over: what was put off is looked at now. */
const afterSave = (state: Buffer): BufferStep => ({
  state: { ...state, saving: false, lookAgain: false },
  actions: state.lookAgain ? [{ type: 'look' }] : [],
});

const disk = (state: Buffer, theirs: DiskVersion | null, same: boolean): BufferStep => {
  if (state.saving) return stay({ ...state, lookAgain: true });
  if (theirs === null) return stay({ ...state, conflict: { kind: 'deleted' } });
  if (theirs.etag === state.etag) return stay({ ...state, conflict: null });
  if (same) return { state: clean(theirs.etag), actions: [{ type: 'settle' }] };
  if (state.dirty) return stay({ ...state, conflict: against(theirs) });
  return { state: clean(theirs.etag), actions: [{ type: 'replace', text: theirs.text }] };
};

const takeTheirs = ({ conflict, ...state }: Buffer): BufferStep => {
  if (conflict === null) return stay({ ...state, conflict });
  if (conflict.kind === 'deleted') return { state: { ...state, conflict, dirty: false }, actions: [{ type: 'close' }] };
  return { state: clean(conflict.theirs.etag), actions: [{ type: 'replace', text: conflict.theirs.text }] };
};

export const stepBuffer = (state: Buffer, event: BufferEvent): BufferStep => {
  switch (event.type) {
    case 'edited':
      return stay({ ...state, dirty: event.dirty, error: event.dirty ? state.error : null });
    case 'save':
      return state.saving || state.conflict !== null || !state.dirty ? stay(state) : put(state, state.etag);
    case 'saved':
      return afterSave({ ...state, etag: event.etag, dirty: event.dirty, error: null });
    case 'save-refused':
      return { ...afterSave({ ...state, conflict: against(event.theirs) }), actions: [] };
    case 'save-failed':
      return afterSave({ ...state, error: event.error });
    case 'touched':
      return state.saving ? stay({ ...state, lookAgain: true }) : { state, actions: [{ type: 'look' }] };
    case 'disk':
      return disk(state, event.theirs, event.same);
    case 'overwrite':
      if (state.conflict === null || state.saving) return stay(state);
      return put(state, state.conflict.kind === 'deleted' ? null : state.conflict.theirs.etag);
    case 'take-theirs':
      return takeTheirs(state);
  }
};

export interface TextChange {
  /** Offsets into the old text. */
  from: number;
  to: number;
  text: string;
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** The one piece in which two texts differ, so that a cursor outside of it stays where it is. */
export const differingPiece = (before: string, after: string): TextChange => {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before.charCodeAt(head) === after.charCodeAt(head)) head++;
  if (head > 0 && isHighSurrogate(before.charCodeAt(head - 1))) head--;
  let tail = 0;
  while (
    tail < shorter - head &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  )
    tail++;
  if (tail > 0 && isHighSurrogate(before.charCodeAt(before.length - tail - 1))) tail--;
  return { from: head, to: before.length - tail, text: after.slice(head, after.length - tail) };
};
