/**
 * The open files of one session: their models, their state against the disk, and their drafts. It does not know React or panes.
 * It owns the models; the caller closes it.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { FileChange } from '@remote-claude/contract';
import type { editor } from 'monaco-editor/editor/editor.api.js';

import { isCode, sentenceOf } from '../../lib/client';
import { isWithin, writeContent } from '../../lib/open-files';
import {
  differingPiece,
  openBuffer,
  stepBuffer,
  type Buffer,
  type BufferAction,
  type BufferEvent,
  type DiskVersion,
} from './buffer';
import { isPicture, loadContent, maxEditedBytes, maxShownBytes, type Content } from './content';
import { createDrafts, type Drafts } from './drafts';
import type { Monaco } from './monaco';

export type FileView =
  | { kind: 'loading' }
  | { kind: 'failed'; error: string }
  | { kind: 'missing' }
  /** `version` changes when the file does. */
  | { kind: 'picture'; version: number }
  | { kind: 'binary'; size: number }
  | { kind: 'large'; size: number }
  | { kind: 'text'; model: editor.ITextModel; buffer: Buffer; readOnly: boolean };

export type TextView = Extract<FileView, { kind: 'text' }>;

export interface OpenBuffers {
  view: StoreApi<Readonly<Record<string, FileView>>>;
  open(path: string): void;
  /** Shows a large file, to be read only. */
  openLarge(path: string): void;
  /** Lets go of a file; with `discard` what was typed in it too, otherwise that stays a draft. */
  close(path: string, discard: boolean): void;
  save(path: string): void;
  overwrite(path: string): void;
  takeTheirs(path: string): void;
  /** What changed on disk; null for anything. */
  changed(changes: readonly FileChange[] | null): void;
  /** A file or folder has another path now: what was typed goes along. */
  moved(from: string, to: string): void;
  closeAll(): void;
}

const draftAfterMs = 300;
/** A program that replaces a file may take it away for a moment. */
const missingAgainMs = 400;

const byteOrderMark = '\ufeff';
const textOf = (model: editor.ITextModel): string => model.getValue(undefined, true);

/** Changes only what differs, so that cursors and the undo history stay. */
const replaceText = (monaco: Monaco, model: editor.ITextModel, text: string): void => {
  const eol = text.includes('\r\n') ? monaco.editor.EndOfLineSequence.CRLF : monaco.editor.EndOfLineSequence.LF;
  if (text.includes('\n')) model.pushEOL(eol);
  const plain = text.startsWith(byteOrderMark) ? text.slice(1) : text;
  const { from, to, text: piece } = differingPiece(model.getValue(), plain);
  const range = monaco.Range.fromPositions(model.getPositionAt(from), model.getPositionAt(to));
  model.pushEditOperations(null, [{ range, text: piece }], () => null);
};

interface Entry {
  model: editor.ITextModel | null;
  /** The model's version that is on disk. */
  cleanVersion: number;
  draftTimer: ReturnType<typeof setTimeout> | undefined;
  maxBytes: number;
  closed: boolean;
}

interface Context {
  sessionId: string;
  monaco: Monaco;
  drafts: Drafts;
  view: OpenBuffers['view'];
  entries: Map<string, Entry>;
}

const show = ({ view }: Context, path: string, file: FileView | null): void => {
  const { [path]: _before, ...others } = view.getState();
  view.setState(file === null ? others : { ...others, [path]: file }, true);
};

const textView = ({ view }: Context, path: string): TextView | null => {
  const file = view.getState()[path];
  return file?.kind === 'text' ? file : null;
};

const keepDraft = async (context: Context, path: string): Promise<void> => {
  const file = textView(context, path);
  if (file === null) return;
  if (file.buffer.dirty) await context.drafts.put(path, { etag: file.buffer.etag, text: textOf(file.model) });
  else await context.drafts.remove(path);
};

const keepDraftSoon = (context: Context, path: string, entry: Entry): void => {
  clearTimeout(entry.draftTimer);
  entry.draftTimer = setTimeout(() => void keepDraft(context, path), draftAfterMs);
};

const dispatch = (context: Context, path: string, event: BufferEvent): void => {
  const file = textView(context, path);
  const entry = context.entries.get(path);
  if (file === null || entry === undefined) return;
  const { state, actions } = stepBuffer(file.buffer, event);
  if (state !== file.buffer) show(context, path, { ...file, buffer: state });
  if (state.dirty !== file.buffer.dirty || state.etag !== file.buffer.etag) keepDraftSoon(context, path, entry);
  for (const action of actions) perform(context, path, action);
};

const settle = (context: Context, path: string, entry: Entry, version: number): boolean => {
  entry.cleanVersion = version;
  keepDraftSoon(context, path, entry);
  return entry.model?.getAlternativeVersionId() !== version;
};

const perform = (context: Context, path: string, action: BufferAction): void => {
  const entry = context.entries.get(path);
  if (entry?.model == null) return;
  const { model } = entry;
  switch (action.type) {
    case 'put':
      return void put(context, path, { entry, model, etag: action.etag });
    case 'look':
      return void look(context, path);
    case 'settle':
      settle(context, path, entry, model.getAlternativeVersionId());
      return;
    case 'replace':
      replaceText(context.monaco, model, action.text);
      settle(context, path, entry, model.getAlternativeVersionId());
      dispatch(context, path, { type: 'edited', dirty: false });
      return;
    case 'close':
      void context.drafts.remove(path);
      show(context, path, { kind: 'missing' });
      release(entry);
      return;
  }
};

interface Put {
  entry: Entry;
  model: editor.ITextModel;
  etag: string | null;
}

const put = async (context: Context, path: string, { entry, model, etag }: Put): Promise<void> => {
  const version = model.getAlternativeVersionId();
  try {
    const node = await writeContent(context.sessionId, path, textOf(model), etag);
    if (entry.closed) return;
    dispatch(context, path, { type: 'saved', etag: node.etag ?? '', dirty: settle(context, path, entry, version) });
  } catch (error) {
    if (entry.closed) return;
    if (isCode(error, 'edit_conflict', 'already_exists', 'precondition_failed', 'not_found')) {
      const disk = await readDisk(context, path).catch(() => undefined);
      if (disk !== undefined && disk.kind !== 'same')
        return dispatch(context, path, { type: 'save-refused', theirs: versionOf(disk) });
    }
    dispatch(context, path, { type: 'save-failed', error: sentenceOf(error) });
  }
};

const versionOf = (content: Exclude<Content, { kind: 'same' }>): DiskVersion | null => {
  if (content.kind === 'missing') return null;
  // What is no text any more cannot be compared; it can be replaced, or taken.
  return { etag: content.etag, text: content.kind === 'text' ? content.text : '' };
};

const readDisk = (context: Context, path: string, etag: string | null = null): Promise<Content> =>
  loadContent(context.sessionId, path, { etag, maxBytes: context.entries.get(path)?.maxBytes ?? maxEditedBytes });

/** Compares with the disk. What cannot be read now is looked at again with the next change. */
const look = async (context: Context, path: string, patient = true): Promise<void> => {
  const file = textView(context, path);
  if (file === null) return;
  const content = await readDisk(context, path, file.buffer.etag).catch(() => null);
  const now = textView(context, path);
  if (content === null || now === null || now.model !== file.model) return;
  if (content.kind === 'missing' && patient) {
    setTimeout(() => void look(context, path, false), missingAgainMs);
    return;
  }
  if ((content.kind === 'binary' || content.kind === 'large') && !now.buffer.dirty) return void load(context, path);
  const theirs = content.kind === 'same' ? { etag: now.buffer.etag ?? '', text: '' } : versionOf(content);
  dispatch(context, path, {
    type: 'disk',
    theirs,
    same: content.kind === 'text' && content.text === textOf(now.model),
  });
};

const uriOf = ({ monaco, sessionId }: Context, path: string) =>
  monaco.Uri.from({ scheme: 'file', authority: sessionId, path: `/${path}` });

const showText = (
  context: Context,
  path: string,
  entry: Entry,
  { state, text }: { state: Buffer; text: string },
): void => {
  const uri = uriOf(context, path);
  context.monaco.editor.getModel(uri)?.dispose();
  const model = context.monaco.editor.createModel(text, undefined, uri);
  entry.model = model;
  // A draft is different from the disk whatever is undone in it.
  entry.cleanVersion = state.dirty ? -1 : model.getAlternativeVersionId();
  model.onDidChangeContent(() => {
    dispatch(context, path, { type: 'edited', dirty: model.getAlternativeVersionId() !== entry.cleanVersion });
    keepDraftSoon(context, path, entry);
  });
  show(context, path, { kind: 'text', model, buffer: state, readOnly: entry.maxBytes > maxEditedBytes });
};

const release = (entry: Entry): void => {
  clearTimeout(entry.draftTimer);
  entry.model?.dispose();
  entry.model = null;
};

const load = async (context: Context, path: string): Promise<void> => {
  const entry = context.entries.get(path);
  if (entry === undefined) return;
  if (isPicture(path)) return show(context, path, { kind: 'picture', version: 1 });
  if (context.view.getState()[path]?.kind !== 'text') show(context, path, { kind: 'loading' });
  try {
    const [content, draft] = await Promise.all([readDisk(context, path), context.drafts.get(path)]);
    if (entry.closed || content.kind === 'same') return;
    release(entry);
    if (content.kind === 'text') showText(context, path, entry, openBuffer(content, draft));
    else if (content.kind === 'missing' && draft !== null) showText(context, path, entry, openBuffer(null, draft));
    else show(context, path, content.kind === 'missing' ? content : { kind: content.kind, size: content.size });
  } catch (error) {
    if (!entry.closed) show(context, path, { kind: 'failed', error: sentenceOf(error) });
  }
};

const touched = (context: Context, path: string): void => {
  const file = context.view.getState()[path];
  if (file === undefined || file.kind === 'loading') return;
  if (file.kind === 'text') dispatch(context, path, { type: 'touched' });
  else if (file.kind === 'picture') show(context, path, { ...file, version: file.version + 1 });
  else void load(context, path);
};

export const createOpenBuffers = (sessionId: string, monaco: Monaco): OpenBuffers => {
  const view = createStore<Readonly<Record<string, FileView>>>()(() => ({}));
  const context: Context = { sessionId, monaco, drafts: createDrafts(sessionId), view, entries: new Map() };
  const { entries, drafts } = context;
  /** Drafts on their way to another path: what opens there waits for them. */
  let moving: Promise<unknown> = Promise.resolve();

  const open = (path: string, maxBytes = maxEditedBytes): void => {
    const before = entries.get(path);
    if (before !== undefined && before.maxBytes === maxBytes) return;
    if (before !== undefined) release(before);
    entries.set(path, { model: null, cleanVersion: -1, draftTimer: undefined, maxBytes, closed: false });
    show(context, path, { kind: 'loading' });
    void moving.then(() => load(context, path));
  };
  const close = (path: string, discard: boolean): void => {
    const entry = entries.get(path);
    if (entry === undefined) return;
    void (discard ? drafts.remove(path) : keepDraft(context, path));
    entry.closed = true;
    release(entry);
    entries.delete(path);
    show(context, path, null);
  };
  const flush = (): void => {
    for (const path of entries.keys()) void keepDraft(context, path);
  };
  window.addEventListener('pagehide', flush);

  return {
    view,
    open,
    openLarge: (path) => open(path, maxShownBytes),
    close,
    save: (path) => dispatch(context, path, { type: 'save' }),
    overwrite: (path) => dispatch(context, path, { type: 'overwrite' }),
    takeTheirs: (path) => dispatch(context, path, { type: 'take-theirs' }),
    changed(changes) {
      for (const path of entries.keys()) {
        if (changes === null || changes.some((change) => isWithin(path, change.path))) touched(context, path);
      }
    },
    moved(from, to) {
      for (const path of [...entries.keys()].filter((open) => isWithin(open, from))) {
        const file = textView(context, path);
        const draft = file?.buffer.dirty === true ? { etag: file.buffer.etag, text: textOf(file.model) } : null;
        close(path, true);
        if (draft !== null) moving = Promise.all([moving, drafts.put(to + path.slice(from.length), draft)]);
      }
    },
    closeAll() {
      flush();
      window.removeEventListener('pagehide', flush);
      for (const path of [...entries.keys()]) close(path, false);
    },
  };
};
