'use client';
/** The conversation of one session: transcript, what is pinned, and the composer. */
import { useEffect, useState, type ReactNode } from 'react';

import { useSession, useSessionView } from '../../lib/session-context';
import { Announcer } from './announcer';
import { Composer, type Suggestion } from './composer';
import { QueuePanel } from './queue-panel';
import type { OnFork } from './message-views';
import { TodoPanel } from './todo-panel';
import { Transcript, useItems } from './transcript';

const examples = [
  'Write a small command-line program, run it, and fix what fails.',
  'Explain what is in this folder and how it fits together.',
  'Make a plan for a to-do list web page, then build it.',
];

const Empty = ({ onChoose }: { onChoose: (text: string) => void }) => (
  <div className="mx-auto flex min-h-full max-w-190 flex-col justify-end px-4 pt-10 pb-6 md:px-6">
    <h2 className="text-xl font-semibold tracking-tight">What shall Claude do?</h2>
    <p className="mt-1 text-muted">Claude works in this session’s own folder, and asks before it changes anything.</p>
    <ul className="mt-5 divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {examples.map((example) => (
        <li key={example}>
          <button
            type="button"
            onClick={() => onChoose(example)}
            className="target w-full px-3.5 py-2.5 text-left text-sm hover:bg-hover"
          >
            {example}
          </button>
        </li>
      ))}
    </ul>
  </div>
);

interface ChatProps {
  /** What must be decided, put above the composer. */
  dock: ReactNode;
  /** Progress of a start, or why there is none. */
  place: ReactNode;
  /** Keeps its identity from one rendering to the next. */
  onFork: OnFork;
}

export const Chat = ({ dock, place, onFork }: ChatProps) => {
  const { command } = useSession();
  const items = useItems();
  const turnId = useSessionView(({ log }) => log.state.turn?.turnId);
  const [suggestion, setSuggestion] = useState<Suggestion | null>(null);
  // What a rewind takes out comes back to be written anew, once the rewind is done.
  const [leaving, setLeaving] = useState<{ rewindId: string; text: string } | null>(null);
  const [putBack, setPutBack] = useState<{ rewindId: string; text: string } | null>(null);
  useEffect(() => {
    if (leaving === null || !items.some((item) => item.kind === 'rewound' && item.rewindId === leaving.rewindId))
      return;
    setSuggestion({ text: leaving.text, at: Date.now(), kind: 'offer' });
    setPutBack(leaving);
    setLeaving(null);
  }, [items, leaving]);
  // When the rewind is undone it stands in the conversation again, and nobody wants to send it twice.
  useEffect(() => {
    if (putBack === null) return;
    const { rewindId, text } = putBack;
    const isUndone = items.some((item) => item.kind === 'rewound' && item.isUndo && item.rewindId !== rewindId);
    const isBack = items.some((item) => item.kind === 'message' && text.startsWith(item.text.text));
    if (!isUndone || !isBack || items.some((item) => item.kind === 'rewound' && item.rewindId === rewindId)) return;
    setSuggestion({ text, at: Date.now(), kind: 'take-out' });
    setPutBack(null);
  }, [items, putBack]);
  return (
    <div
      role="presentation"
      className="h-full"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.defaultPrevented || turnId === undefined) return;
        event.preventDefault();
        command('interrupt', { turnId });
      }}
    >
      <section aria-label="Chat" data-pane="chat" className="flex h-full min-h-0 min-w-0 flex-col bg-bg">
        <Transcript
          empty={<Empty onChoose={(text) => setSuggestion({ text, at: Date.now(), kind: 'put' })} />}
          onFork={onFork}
          onRewindAsked={(rewindId, text) => setLeaving(text === null ? null : { rewindId, text })}
        />
        <div className="mx-auto w-full max-w-190 shrink-0 px-3 pt-2 pb-3 md:px-6 md:pb-4">
          {place}
          <TodoPanel />
          <QueuePanel />
          {dock}
          <Composer items={items} suggestion={suggestion} />
        </div>
        <Announcer items={items} />
      </section>
    </div>
  );
};
