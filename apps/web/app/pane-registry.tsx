'use client';
/** The panes that a session has beside its chat. A new one is one line here; its code comes when it is first opened. */
import { lazy, Suspense, type ComponentType } from 'react';
import { FileCode2, FolderTree, SquareTerminal } from 'lucide-react';

import type { Pane } from '../features/shell/workbench';

const FilesPane = lazy(async () => ({ default: (await import('../features/files/files-pane')).FilesPane }));
const EditorPane = lazy(async () => ({ default: (await import('../features/editor/editor-pane')).EditorPane }));
const TerminalPane = lazy(async () => ({ default: (await import('../features/terminal/terminal-pane')).TerminalPane }));

const content = (Content: ComponentType) => (
  <Suspense fallback={<div aria-busy="true" className="h-full" />}>
    <Content />
  </Suspense>
);

export const panes: readonly Pane[] = [
  { id: 'files', title: 'Files', icon: <FolderTree size={15} aria-hidden />, content: content(FilesPane) },
  { id: 'editor', title: 'Editor', icon: <FileCode2 size={15} aria-hidden />, content: content(EditorPane) },
  {
    id: 'terminal',
    title: 'Terminal',
    icon: <SquareTerminal size={15} aria-hidden />,
    keys: 'Ctrl+`',
    content: content(TerminalPane),
  },
];
