'use client';
/** A rewind in the transcript: who went back and how far, what it took out (folded), and the way forth again. */
import type { ReactNode } from 'react';
import { ChevronRight, History, TriangleAlert } from 'lucide-react';

import { cx } from '../../lib/cx';
import { Button } from '../../ui/button';
import { TimeOfDay } from '../../ui/time-of-day';
import { useFold } from './folds';
import type { Item, ItemOf } from './item';
import type { RewindRequest } from './rewind-words';

const words = { chat: 'the conversation', files: 'the files', both: 'the conversation and the files' } as const;

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

const sentenceOf = ({ by, what, isUndo, files }: ItemOf<'rewound'>): string => {
  const { added = 0, modified = 0, deleted = 0 } = files?.counts ?? {};
  const changed = added + modified + deleted;
  const tail = files === null ? '' : changed === 0 ? ' No file differed.' : ` ${plural(changed, 'path')} changed.`;
  return `${by ?? 'Someone'} ${isUndo ? 'undid a rewind of' : 'rewound'} ${words[what]}.${tail}`;
};

interface RewoundProps {
  item: ItemOf<'rewound'>;
  /** Absent for who may not. */
  onRewind: ((request: RewindRequest) => void) | null;
  renderItem: (item: Item) => ReactNode;
}

export const RewoundView = ({ item, onRewind, renderItem }: RewoundProps) => {
  const [open, toggle] = useFold(item.key);
  const { files, items } = item;
  return (
    <section
      data-testid="rewound"
      aria-label="Rewind"
      className="my-3 rounded-lg border border-line bg-sunken px-3.5 py-2.5"
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <History size={14} className="shrink-0 text-muted" aria-hidden />
        <p className="min-w-0 flex-1 basis-48 text-sm break-words">{sentenceOf(item)}</p>
        <TimeOfDay at={item.at} />
        {onRewind !== null && (
          <Button
            size="sm"
            onClick={() =>
              onRewind({
                target: { rewindId: item.rewindId },
                kind: item.isUndo ? 'again' : 'undo',
                message: null,
              })
            }
          >
            {item.isUndo ? 'Rewind again…' : 'Undo…'}
          </Button>
        )}
      </div>
      {files !== null && !files.isExact && (
        <p className="mt-1.5 flex items-start gap-1.5 text-xs text-attention">
          <TriangleAlert size={14} className="mt-px shrink-0" aria-hidden />
          <span className="min-w-0 break-words">
            {files.left.length > 0
              ? `These stay as they are, since checkpoints do not keep them or something in them: ${files.left.join(', ')}.`
              : 'Something else changed files meanwhile, so they are not exactly as they were.'}
          </span>
        </p>
      )}
      {items.length > 0 && (
        <button
          type="button"
          aria-expanded={open}
          onClick={toggle}
          className="target mt-1 inline-flex items-center gap-1 rounded-sm py-0.5 text-xs text-muted hover:text-text"
        >
          <ChevronRight
            size={14}
            className={cx('transition-transform duration-100', open && 'rotate-90')}
            aria-hidden
          />
          {open ? 'Hide what was rewound' : 'Show what was rewound'}
        </button>
      )}
      {open && (
        <div className="mt-1 border-l-2 border-line pl-3.5">
          {items.map((inner) => (
            <div key={inner.key}>{renderItem(inner)}</div>
          ))}
        </div>
      )}
    </section>
  );
};
