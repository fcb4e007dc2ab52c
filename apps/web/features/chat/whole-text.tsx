'use client';
/** The way from the beginning of a long text to all of it, and back. */
import type { ReactNode } from 'react';
import type { BoundedText, WholeInput } from '@remote-claude/contract';

import { useBlob, type SeenInput } from '../../lib/blobs';
import { isCode, sentenceOf } from '../../lib/client';
import { useSession } from '../../lib/session-context';
import { count } from '../../lib/time';
import { Button } from '../../ui/button';
import { useFold } from './folds';

const More = ({ children, action }: { children: ReactNode; action?: ReactNode }) => (
  <div className="flex min-h-7 flex-wrap items-center gap-x-2 text-xs text-faint">
    <span>{children}</span>
    {action}
  </div>
);

const Action = ({ onClick, busy, children }: { onClick: () => void; busy?: boolean; children: ReactNode }) => (
  <Button size="sm" variant="quiet" busy={busy ?? false} onClick={onClick}>
    {children}
  </Button>
);

interface Whole {
  /** All of it, where it was asked for and has come. */
  whole: string | null;
  /** What is said beneath; null where the text is all there is. */
  note: ReactNode;
}

/** `key` names the text in this page: the windowed list forgets what scrolls away. */
export const useWhole = (key: string, text: BoundedText | null): Whole => {
  const { id } = useSession();
  const [open, toggle] = useFold(`whole:${key}`);
  const hash = text?.blob ?? null;
  const { data, error, isFetching, refetch } = useBlob(id, open ? hash : null);
  if (text === null || (hash === null && text.cut !== true)) return { whole: null, note: null };
  const beginning = `This is the beginning of ${count(text.bytes)} bytes`;
  if (hash === null || isCode(error, 'not_found'))
    return { whole: null, note: <More>{beginning}; the rest was not kept.</More> };
  if (!open)
    return { whole: null, note: <More action={<Action onClick={toggle}>Show all</Action>}>{beginning}.</More> };
  if (data !== undefined)
    return {
      whole: data,
      note: <More action={<Action onClick={toggle}>Show less</Action>}>All {count(text.bytes)} bytes.</More>,
    };
  if (error === null || isFetching)
    return {
      whole: null,
      note: (
        <More
          action={
            <Action busy onClick={toggle}>
              Loading
            </Action>
          }
        >
          {beginning}.
        </More>
      ),
    };
  return {
    whole: null,
    note: (
      <div role="alert">
        <More action={<Action onClick={() => void refetch()}>Try again</Action>}>
          {beginning}; the rest could not be loaded. {sentenceOf(error)}
        </More>
      </div>
    ),
  };
};

interface InputNoteProps {
  whole: WholeInput | undefined;
  seen: SeenInput;
  onWanted: () => void;
}

/** The same for the input of a tool call. */
export const InputNote = ({ whole, seen: { state, retry }, onWanted }: InputNoteProps) => {
  const size = whole === undefined ? '' : ` of ${count(whole.bytes)} bytes`;
  const cut = `The input${size} is long; its texts are cut here`;
  switch (state) {
    case 'whole':
      return whole === undefined ? <More>{cut}.</More> : null;
    case 'lost':
      return <More>{cut}, and the rest was not kept.</More>;
    case 'beginning':
      return <More action={<Action onClick={onWanted}>Show all</Action>}>{cut}.</More>;
    case 'loading':
      return (
        <More
          action={
            <Action busy onClick={onWanted}>
              Loading
            </Action>
          }
        >
          {cut}.
        </More>
      );
    case 'failed':
      return (
        <div role="alert">
          <More action={<Action onClick={retry}>Try again</Action>}>{cut}; the rest could not be loaded.</More>
        </div>
      );
  }
};
