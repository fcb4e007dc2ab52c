'use client';
/** The one place that says how the connection is: lost with a countdown, then caught up, then nothing. */
import { useEffect, useState } from 'react';

import { useSession, useSessionView } from '../../lib/session-context';
import { lastSeq } from '../../lib/session-log';
import { BackBar, LostBar, NoBar } from './connection-bar';

const caughtUpShownMs = 3_000;
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

/** What is true of the log after the line is back. */
const words = {
  continued: 'Caught up, nothing lost.',
  anew: 'Connected again. The conversation was loaded anew from the server.',
  restored: 'Connected again. The server’s data was restored from a backup: what you see is what it has now.',
} as const;

export const ConnectionBanner = () => {
  const { socket } = useSession();
  const word = useWord();
  const loaded = useSessionView(({ log }) => log.loaded);
  const unsent = useSessionView(({ outbox }) => outbox.filter(({ status }) => status === 'sending').length);
  const error = useSessionView((view) => view.error);
  const resumed = useSessionView((view) => view.resumed);
  const { phase, retryAt } = socket.link;
  if (phase === 'refused' && loaded) return null;
  if (word === 'none' && error === null) return <NoBar />;
  if (word === 'caught-up') return <BackBar>{resumed === null ? 'Connected.' : words[resumed]}</BackBar>;
  // A first load has its skeleton; only a loss is said.
  if (!loaded && phase !== 'waiting' && error === null) return <NoBar />;
  return (
    <LostBar error={error} retryAt={phase === 'waiting' ? retryAt : null} onRetry={socket.retryNow}>
      Claude goes on meanwhile.{' '}
      {unsent > 0 ? 'What you sent is kept and goes out when it is back.' : 'What you type is kept.'}
    </LostBar>
  );
};
