'use client';
/** The panes that a session has beside its chat. A new one is one line here. */
import { FileCode2, FolderTree, SquareTerminal } from 'lucide-react';
import type { SessionId } from '@remote-claude/contract';

import type { Pane } from '../features/shell/workbench';

export const panesOf = (_sessionId: SessionId): readonly Pane[] => [
  { id: 'files', title: 'Files', icon: <FolderTree size={15} aria-hidden />, content: null },
  { id: 'editor', title: 'Editor', icon: <FileCode2 size={15} aria-hidden />, content: null },
  { id: 'terminal', title: 'Terminal', icon: <SquareTerminal size={15} aria-hidden />, keys: 'Ctrl+`', content: null },
];
