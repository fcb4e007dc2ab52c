/** What is said above a file: a conflict with its choices, or a save that failed. */
import type { ReactNode } from 'react';

import { Button } from '../../ui/button';
import { Notice } from '../../ui/notice';
import type { Buffer, Conflict } from './buffer';

/** The choices stand under the words where there is no room beside them. */
const Choices = ({ words, children }: { words: ReactNode; children: ReactNode }) => (
  <span className="flex flex-wrap items-center gap-x-3 gap-y-1.5 py-0.5">
    <span className="min-w-60 flex-1">{words}</span>
    <span className="flex flex-wrap gap-1.5">{children}</span>
  </span>
);

interface ConflictNoticeProps {
  conflict: Conflict;
  dirty: boolean;
  comparing: boolean;
  onCompare: () => void;
  onOverwrite: () => void;
  onTakeTheirs: () => void;
}

const ConflictNotice = ({ conflict, dirty, comparing, onCompare, onOverwrite, onTakeTheirs }: ConflictNoticeProps) => {
  if (conflict.kind === 'deleted') {
    const kept = dirty ? 'What you typed is kept here.' : 'Its last text is kept here.';
    return (
      <Notice shape="bar" tone="attention" role="alert">
        <Choices words={`This file was deleted on disk. ${kept}`}>
          <Button size="sm" onClick={onOverwrite}>
            Save it again
          </Button>
          <Button size="sm" onClick={onTakeTheirs}>
            {dirty ? 'Discard and close' : 'Close'}
          </Button>
        </Choices>
      </Notice>
    );
  }
  return (
    <Notice shape="bar" tone="attention" role="alert">
      <Choices words="This file changed on disk while you edited it. Both versions are kept.">
        <Button size="sm" onClick={onCompare}>
          {comparing ? 'Back to the editor' : 'View the differences'}
        </Button>
        <Button size="sm" onClick={onOverwrite}>
          Overwrite with mine
        </Button>
        <Button size="sm" onClick={onTakeTheirs}>
          Take theirs
        </Button>
      </Choices>
    </Notice>
  );
};

interface BufferNoticesProps extends Omit<ConflictNoticeProps, 'conflict' | 'dirty'> {
  buffer: Buffer;
  readOnly: string | null;
  onSave: () => void;
}

export const BufferNotices = ({ buffer, readOnly, onSave, ...choices }: BufferNoticesProps) => (
  <>
    {buffer.conflict !== null && <ConflictNotice conflict={buffer.conflict} dirty={buffer.dirty} {...choices} />}
    {buffer.conflict === null && buffer.error !== null && (
      <Notice
        shape="bar"
        tone="danger"
        role="alert"
        action={
          <Button size="sm" onClick={onSave}>
            Save again
          </Button>
        }
      >
        Not saved: {buffer.error} What you typed is kept.
      </Notice>
    )}
    {readOnly !== null && (
      <Notice shape="bar" role="status">
        {readOnly}
      </Notice>
    )}
  </>
);
