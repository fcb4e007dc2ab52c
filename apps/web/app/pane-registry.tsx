'use client';
/** The panes that a session has beside its chat. A new one is one line here. */
import { FileCode2, FolderTree, SquareTerminal } from 'lucide-react';
import type { SessionId } from '@remote-claude/contract';

import { EditorPane } from '../features/editor/editor-pane';
import { FilesPane } from '../features/files/files-pane';
import type { Pane } from '../features/shell/workbench';
import { TerminalPane } from '../features/terminal/terminal-pane';

export const panesOf = (_sessionId: SessionId): readonly Pane[] => [
  { id: 'files', title: 'Files', icon: <FolderTree size={15} aria-hidden />, content: <FilesPane /> },
  { id: 'editor', title: 'Editor', icon: <FileCode2 size={15} aria-hidden />, content: <EditorPane /> },
  {
    id: 'terminal',
    title: 'Terminal',
    icon: <SquareTerminal size={15} aria-hidden />,
    keys: 'Ctrl+`',
    content: <TerminalPane />,
  },
];
