/** What a rewind is called before it is done. Going back, undoing that and going back again are one act with three sets of words. */
import type { BoundedText, RewindCounts, RewindTarget, RewindWhat } from '@remote-claude/contract';

export type RewindKind = 'rewind' | 'undo' | 'again';

export interface RewindRequest {
  target: RewindTarget;
  kind: RewindKind;
  /** The message that leaves the conversation with a rewind, to be written anew. */
  message: BoundedText | null;
}

interface Words {
  title: string;
  action: string;
  legend: string;
  hints: Readonly<Record<RewindWhat, string>>;
  unchanged: string;
}

export const rewindWords: Readonly<Record<RewindKind, Words>> = {
  rewind: {
    title: 'Rewind to before this message',
    action: 'Rewind',
    legend: 'What goes back',
    hints: {
      both: 'As if nothing had happened since.',
      chat: 'Claude forgets what was said since; files stay as they are.',
      files: 'Claude remembers everything; files go back.',
    },
    unchanged: 'The files are already as they were then.',
  },
  undo: {
    title: 'Undo this rewind',
    action: 'Undo this rewind',
    legend: 'What comes back',
    hints: {
      both: 'As it was before the rewind; what was said since then goes.',
      chat: 'What was rewound is there again, and what was said since goes; files stay as they are.',
      files: 'The conversation stays as it is; files become as they were before the rewind.',
    },
    unchanged: 'The files are as they were before the rewind.',
  },
  again: {
    title: 'Rewind again',
    action: 'Rewind again',
    legend: 'What goes back',
    hints: {
      both: 'As it was before the rewind was undone.',
      chat: 'What the undo brought back goes again; files stay as they are.',
      files: 'The conversation stays as it is; files become as they were before the undo.',
    },
    unchanged: 'The files are as they were before the undo.',
  },
};

/** "2 paths come back, 1 changes and 1 is removed."; what is none is not said. */
export const changeSentence = ({ added, modified, deleted }: RewindCounts): string => {
  const parts = (
    [
      [added, 'comes back', 'come back'],
      [modified, 'changes', 'change'],
      [deleted, 'is removed', 'are removed'],
    ] as const
  ).flatMap(([count, one, more]) => (count === 0 ? [] : [{ count, verb: count === 1 ? one : more }]));
  const words = parts.map(({ count, verb }, index) =>
    index === 0 ? `${count} ${count === 1 ? 'path' : 'paths'} ${verb}` : `${count} ${verb}`,
  );
  const last = words.pop();
  return last === undefined ? '' : `${words.length === 0 ? last : `${words.join(', ')} and ${last}`}.`;
};
