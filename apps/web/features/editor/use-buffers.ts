/** The open files of the session around, kept in step with its tabs and with the disk. */
import { useEffect, useState } from 'react';
import type { ShownStatus } from '@remote-claude/contract';

import { useFileChanges, useFilesAway, useOpenFiles, useSessionFiles, type OpenFiles } from '../../lib/open-files';
import { useSession, useSessionView } from '../../lib/session-context';
import { useTheme } from '../../lib/theme';
import { createOpenBuffers, type OpenBuffers } from './open-buffers';

/**
 * Of one session at a time, and longer than a pane is there: one that is closed and opened again finds its models,
 * with what was undone and where the cursor was.
 */
let current: { sessionId: string; buffers: OpenBuffers } | null = null;

const buffersOf = async (sessionId: string): Promise<OpenBuffers> => {
  const { monaco } = await import('./monaco');
  if (current?.sessionId !== sessionId) {
    current?.buffers.closeAll();
    current = { sessionId, buffers: createOpenBuffers(sessionId, monaco) };
  }
  return current.buffers;
};

export interface EditorState {
  files: OpenFiles;
  /** null while the editor is loaded. */
  buffers: OpenBuffers | null;
  failed: boolean;
  /** The session's state where files cannot be read now. */
  away: ShownStatus | null;
  retry: () => void;
}

export const useBuffers = (): EditorState => {
  const { id } = useSession();
  const files = useSessionFiles();
  const theme = useTheme(({ resolved }) => resolved);
  const [buffers, setBuffers] = useState<OpenBuffers | null>(null);
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const wanted = files.paths.length > 0;
  const away = useFilesAway();
  const there = useSessionView(({ log }) => log.loaded) && away === null;

  useEffect(() => {
    if (!wanted) return;
    let over = false;
    setFailed(false);
    buffersOf(id).then(
      (loaded) => !over && setBuffers(loaded),
      () => !over && setFailed(true),
    );
    return () => {
      over = true;
    };
  }, [id, wanted, attempt]);

  useEffect(() => {
    if (buffers !== null) void import('./monaco').then(({ applyTheme }) => applyTheme(theme === 'dark'));
  }, [buffers, theme]);

  useEffect(() => {
    if (buffers === null) return;
    return useOpenFiles.subscribe(({ lastMove }, before) => {
      if (lastMove !== null && lastMove !== before.lastMove && lastMove.sessionId === id)
        buffers.moved(lastMove.from, lastMove.to);
    });
  }, [buffers, id]);

  useEffect(() => {
    // What is open already stays; it is compared with the disk when there is one again.
    if (buffers === null || !there) return;
    for (const path of files.paths) buffers.open(path);
    for (const path of Object.keys(buffers.view.getState()))
      if (!files.paths.includes(path)) buffers.close(path, false);
  }, [buffers, files.paths, there]);

  useFileChanges((changes) => buffers?.changed(changes));
  return { files, buffers, failed, away, retry: () => setAttempt((before) => before + 1) };
};
