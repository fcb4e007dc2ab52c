'use client';
/** Monaco for one model at a time, with each model's cursor and scroll kept. It does not know saving or conflicts. */
import { useEffect, useRef } from 'react';
import type { editor } from 'monaco-editor/editor/editor.api.js';

import { visibleName } from '../../lib/open-files';
import { recall, remember } from '../../lib/storage';
import { commonOptions, monaco } from './monaco';

export interface CursorPlace {
  line: number;
  column: number;
  /** Tab leaves the editor instead of being typed. */
  tabLeaves: boolean;
}

interface TextEditorProps {
  sessionId: string;
  path: string;
  model: editor.ITextModel;
  readOnly: boolean;
  onSave: () => void;
  onCursor: (place: CursorPlace) => void;
}

const states = new WeakMap<editor.ITextModel, editor.ICodeEditorViewState>();
const placesKey = (sessionId: string): string => `cursors.${sessionId}`;

interface StoredPlace {
  line: number;
  column: number;
  top: number;
}

/** Where the cursor was at the last visit. */
const storedPlace = (sessionId: string, path: string): StoredPlace | null => {
  const place = (recall(placesKey(sessionId)) as Record<string, Partial<StoredPlace>> | null)?.[path];
  const { line, column, top } = place ?? {};
  return typeof line === 'number' && typeof column === 'number' && typeof top === 'number'
    ? { line, column, top }
    : null;
};

const maxStoredPlaces = 50;

const storePlace = (sessionId: string, path: string, code: editor.ICodeEditor): void => {
  const position = code.getPosition();
  if (position === null) return;
  const { [path]: _before, ...others } = (recall(placesKey(sessionId)) ?? {}) as Record<string, unknown>;
  const place = { line: position.lineNumber, column: position.column, top: code.getScrollTop() };
  remember(
    placesKey(sessionId),
    Object.fromEntries([...Object.entries(others), [path, place]].slice(-maxStoredPlaces)),
  );
};

const restorePlace = (code: editor.ICodeEditor, model: editor.ITextModel, place: StoredPlace | null): void => {
  const state = states.get(model);
  if (state !== undefined) code.restoreViewState(state);
  else if (place !== null) {
    code.setPosition({ lineNumber: place.line, column: place.column });
    code.setScrollTop(place.top);
  }
};

export const TextEditor = ({ sessionId, path, model, readOnly, onSave, onCursor }: TextEditorProps) => {
  const place = useRef<HTMLDivElement>(null);
  const code = useRef<editor.IStandaloneCodeEditor | null>(null);
  const latest = useRef({ onSave, onCursor });
  useEffect(() => {
    latest.current = { onSave, onCursor };
  });

  useEffect(() => {
    if (place.current === null) return;
    const made = monaco.editor.create(place.current, { ...commonOptions, model: null });
    code.current = made;
    // Where the way between panes leads.
    place.current.querySelector('textarea, .native-edit-context')?.setAttribute('data-pane-focus', '');
    // The keys are the page's own words for it; Monaco's palette lists it too.
    made.addAction({
      id: 'page.save',
      label: 'Save',
      keybindings: [monaco.KeyMod.CtrlCmd | monaco.KeyCode.KeyS],
      run: () => latest.current.onSave(),
    });
    const tell = (): void => {
      const { lineNumber: line, column } = made.getPosition() ?? { lineNumber: 1, column: 1 };
      latest.current.onCursor({ line, column, tabLeaves: made.getOption(monaco.editor.EditorOption.tabFocusMode) });
    };
    made.onDidChangeCursorPosition(tell);
    made.onDidChangeConfiguration(tell);
    made.onDidChangeModel(tell);
    void document.fonts.ready.then(() => monaco.editor.remeasureFonts());
    return () => {
      code.current = null;
      made.dispose();
    };
  }, []);

  useEffect(() => {
    const made = code.current;
    if (made === null || model.isDisposed()) return;
    made.setModel(model);
    restorePlace(made, model, storedPlace(sessionId, path));
    const keep = (): void => storePlace(sessionId, path, made);
    window.addEventListener('pagehide', keep);
    return () => {
      window.removeEventListener('pagehide', keep);
      const state = made.getModel() === model && !model.isDisposed() ? made.saveViewState() : null;
      if (state === null) return;
      states.set(model, state);
      keep();
    };
  }, [model, sessionId, path]);

  useEffect(() => {
    code.current?.updateOptions({
      readOnly,
      ariaLabel: `Editor of ${visibleName(path)}. Press Control+M to let Tab leave the editor, F6 for the next pane.`,
    });
  }, [readOnly, path]);

  return <div ref={place} className="absolute inset-0" />;
};
