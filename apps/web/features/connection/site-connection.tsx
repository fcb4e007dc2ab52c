'use client';
/** The connection on pages outside of a session, which has a line and a banner of its own. */
import { useEffect, useState } from 'react';

import { useSiteLink } from '../../lib/site-link';
import { BackBar, LostBar, NoBar } from './connection-bar';

const backShownMs = 3_000;
/** A loss that heals within this time is nobody's business. */
const quietMs = 900;

export const SiteConnection = () => {
  const { phase, retryAt, retryNow } = useSiteLink();
  const [word, setWord] = useState<'none' | 'lost' | 'back'>('none');
  const down = phase === 'waiting' || phase === 'connecting';
  useEffect(() => {
    if (down) {
      const timer = setTimeout(() => setWord('lost'), quietMs);
      return () => clearTimeout(timer);
    }
    if (phase !== 'open') return;
    setWord((now) => (now === 'lost' ? 'back' : now));
    const timer = setTimeout(() => setWord((now) => (now === 'back' ? 'none' : now)), backShownMs);
    return () => clearTimeout(timer);
  }, [down, phase]);
  if (word === 'none') return <NoBar />;
  if (word === 'back') return <BackBar>Connected again. What you see is up to date.</BackBar>;
  return (
    <LostBar retryAt={phase === 'waiting' ? retryAt : null} onRetry={retryNow}>
      What you see may be old. Sessions go on meanwhile.
    </LostBar>
  );
};
