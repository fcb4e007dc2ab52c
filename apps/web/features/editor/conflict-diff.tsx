'use client';
/** The version on disk beside the one in the editor, which can still be edited here. It does not know what is chosen. */
import { useEffect, useRef } from 'react';
import type { editor } from 'monaco-editor/editor/editor.api.js';

import { useMedia } from '../../lib/use-media';
import { commonOptions, monaco } from './monaco';

interface ConflictDiffProps {
  theirs: string;
  mine: editor.ITextModel;
}

export const ConflictDiff = ({ theirs, mine }: ConflictDiffProps) => {
  const place = useRef<HTMLDivElement>(null);
  const wide = useMedia('(min-width: 1100px)');
  useEffect(() => {
    if (place.current === null) return;
    const original = monaco.editor.createModel(theirs, mine.getLanguageId());
    const diff = monaco.editor.createDiffEditor(place.current, {
      ...commonOptions,
      renderSideBySide: wide,
      originalAriaLabel: 'On disk',
      modifiedAriaLabel: 'Yours',
      renderOverviewRuler: false,
    });
    diff.setModel({ original, modified: mine });
    return () => {
      diff.dispose();
      original.dispose();
    };
  }, [theirs, mine, wide]);
  return (
    <div className="absolute inset-0 flex flex-col">
      <p className="flex h-7 shrink-0 items-center gap-4 border-b border-line bg-bg px-3 text-xs text-muted">
        <span>
          <b className="text-danger">−</b> on disk
        </span>
        <span>
          <b className="text-ok">+</b> yours
        </span>
      </p>
      <div ref={place} className="min-h-0 flex-1" />
    </div>
  );
};
