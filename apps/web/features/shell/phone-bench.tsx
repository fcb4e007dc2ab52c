'use client';
/** A session on a phone: one thing at a time, and a bar at the bottom to turn between them. */
import type { ReactNode } from 'react';
import { LayoutList, MessageSquare } from 'lucide-react';

import { cx } from '../../lib/cx';
import { usePanes, type PhoneView } from '../../lib/panes';
import type { Pane } from './workbench';

interface PhoneBenchProps {
  chat: ReactNode;
  panes: readonly Pane[];
  /** Something in the chat waits for an answer. */
  waiting: boolean;
  onSessions: () => void;
}

const tab = 'flex min-h-13 flex-1 flex-col items-center justify-center gap-0.5 text-2xs font-medium';

export const PhoneBench = ({ chat, panes, waiting, onSessions }: PhoneBenchProps) => {
  const view = usePanes((state) => state.phoneView);
  const setView = usePanes((state) => state.setPhoneView);
  // A phone has no room for an empty editor: it comes when a file is opened.
  const tabs = panes.filter(({ id }) => id !== 'editor' || view === 'editor');
  const pane = panes.find(({ id }) => id === view);
  const button = (id: PhoneView, title: string, icon: ReactNode, mark = false) => (
    <button
      key={id}
      type="button"
      aria-pressed={view === id}
      onClick={() => setView(id)}
      className={cx(tab, 'relative', view === id ? 'text-accent-text' : 'text-muted')}
    >
      {icon}
      {title}
      {mark && (
        <span
          className="absolute top-2 left-[calc(50%+8px)] size-2 rounded-full bg-attention-mark"
          aria-label="needs your answer"
          role="img"
        />
      )}
    </button>
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {/* The chat stays there, so that it keeps its place and its draft. */}
      <div className={cx('min-h-0 flex-1', view !== 'chat' && 'hidden')}>{chat}</div>
      {pane !== undefined && (
        <section aria-label={pane.title} data-pane={pane.id} className="min-h-0 flex-1 bg-surface">
          {pane.content}
        </section>
      )}
      <nav
        aria-label="Views"
        className="flex shrink-0 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)]"
      >
        <button type="button" onClick={onSessions} className={cx(tab, 'text-muted')}>
          <LayoutList size={18} aria-hidden />
          Sessions
        </button>
        {button('chat', 'Chat', <MessageSquare size={18} aria-hidden />, waiting)}
        {tabs.map(({ id, title, icon }) => button(id, title, icon))}
      </nav>
    </div>
  );
};
