'use client';
/** The one place that says how the connection is: lost with a countdown, then caught up, then nothing. */
import { useEffect, useState } from 'react';
import { Check, CloudOff } from 'lucide-react';

import { useSession, useSessionView } from '../../lib/session-context';
import { lastSeq } from '../../lib/session-log';
import { useNow } from '../../lib/use-now';
import { Button } from '../../ui/button';

const caughtUpShownMs = 2_500;
/** A loss that heals within this time is nobody's business. */
const quietMs = 900;

type Word = 'none' | 'lost' | 'caught-up';

/** Follows the connection after it was there once. */
const useWord = (): Word => {
  const { socket } = useSession();
  const whole = useSessionView(({ sync, log }) => sync === 'live' && log.loaded && lastSeq(log) >= log.head);
  const failing = socket.link.phase === 'waiting' && socket.link.attempts >= 2;
  const [word, setWord] = useState<Word>('none');
  useEffect(() => {
    if (word !== 'caught-up') return;
    const timer = setTimeout(() => setWord('none'), caughtUpShownMs);
    return () => clearTimeout(timer);
  }, [word]);
  useEffect(() => {
    if (whole) {
      setWord((now) => (now === 'lost' ? 'caught-up' : now));
      return;
    }
    if (failing) {
      setWord('lost');
      return;
    }
    const timer = setTimeout(() => setWord('lost'), quietMs);
    return () => clearTimeout(timer);
  }, [whole, failing]);
  return word;
};

export const ConnectionBanner = () => {
  const { socket } = useSession();
  const word = useWord();
  const loaded = useSessionView(({ log }) => log.loaded);
  const unsent = useSessionView(({ outbox }) => outbox.filter(({ status }) => status === 'sending').length);
  const error = useSessionView((view) => view.error);
  const now = useNow(word === 'lost' ? 500 : null);
  const { phase, retryAt } = socket.link;
  if (phase === 'refused' && loaded) return null;
  if (word === 'none' && error === null) return <div role="status" className="sr-only" />;
  if (word === 'caught-up') {
    return (
      <div
        role="status"
        className="animate-appear flex h-9 shrink-0 items-center gap-2 border-b border-line bg-ok-soft px-4"
      >
        <Check size={16} className="text-ok" aria-hidden />
        Caught up, nothing lost.
      </div>
    );
  }
  // A first load has its skeleton; only a loss is said.
  if (!loaded && phase !== 'waiting' && error === null) return <div role="status" className="sr-only" />;
  const seconds = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1_000));
  return (
    <div
      role="status"
      className="flex min-h-9 shrink-0 items-center gap-2.5 border-b border-line bg-attention-soft px-4 py-1"
    >
      <CloudOff size={16} className="shrink-0 text-attention" aria-hidden />
      <p className="min-w-0 flex-1">
        {error ?? (
          <>
            <span className="font-medium">Connection lost.</span>{' '}
            <span className="tabular-nums">
              {phase === 'waiting' ? `Trying again in ${seconds} s.` : 'Connecting…'}
            </span>{' '}
            <span className="text-muted max-md:hidden">
              Claude goes on meanwhile.{' '}
              {unsent > 0 ? 'What you sent is kept and goes out then.' : 'What you type is kept.'}
            </span>
          </>
        )}
      </p>
      {phase === 'waiting' && (
        <Button size="sm" onClick={socket.retryNow}>
          Try now
        </Button>
      )}
    </div>
  );
};
