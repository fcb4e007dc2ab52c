/** One line under a text: where it is, whether it is saved, and how to get out of the editor by keyboard. */
import { visibleName } from '../../lib/open-files';
import { cx } from '../../lib/cx';
import type { Buffer } from './buffer';
import type { CursorPlace } from './text-editor';

interface StatusLineProps {
  path: string;
  buffer: Buffer;
  language: string;
  cursor: CursorPlace | null;
}

const savedWords = ({ saving, conflict, error, dirty, etag }: Buffer): string => {
  if (saving) return 'Saving…';
  if (conflict !== null) return 'Conflict';
  if (error !== null) return 'Not saved';
  if (dirty) return 'Unsaved changes';
  return etag === null ? 'Not on disk' : 'Saved';
};

export const StatusLine = ({ path, buffer, language, cursor }: StatusLineProps) => (
  <div className="flex h-6 shrink-0 items-center gap-3 border-t border-line bg-bg px-3 text-2xs text-muted">
    <span className="min-w-0 flex-1 truncate" title={visibleName(path)}>
      {visibleName(path)}
    </span>
    <span
      role="status"
      className={cx('shrink-0', (buffer.conflict !== null || buffer.error !== null) && 'text-attention')}
    >
      {savedWords(buffer)}
    </span>
    {cursor !== null && (
      <>
        <span className="shrink-0 tabular-nums max-md:hidden">
          Ln {cursor.line}, Col {cursor.column}
        </span>
        <span className="shrink-0 max-lg:hidden">
          {cursor.tabLeaves ? 'Tab leaves the editor (Ctrl+M)' : 'Ctrl+M: Tab leaves'}
        </span>
      </>
    )}
    <span className="shrink-0 max-md:hidden">{language}</span>
  </div>
);
