'use client';
/** The server does not answer, and nothing is there yet to show instead. */
import { useEffect, useState } from 'react';
import { CloudOff } from 'lucide-react';

import { sentenceOf } from '../../lib/client';
import { useNow } from '../../lib/use-now';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';

const retryEveryMs = 3_000;

export const ConnectionLost = ({ error, onRetry }: { error: unknown; onRetry: () => void }) => {
  const [retryAt, setRetryAt] = useState(() => Date.now() + retryEveryMs);
  const now = useNow(500);
  useEffect(() => {
    setRetryAt(Date.now() + retryEveryMs);
    const timer = setTimeout(onRetry, retryEveryMs);
    return () => clearTimeout(timer);
  }, [error, onRetry]);
  return (
    <main className="grid h-dvh place-items-center">
      <Empty
        icon={<CloudOff size={18} aria-hidden />}
        title="The server does not answer"
        action={<Button onClick={onRetry}>Try now</Button>}
      >
        <p role="status">{sentenceOf(error)} Sessions keep running meanwhile.</p>
        <p className="mt-1 tabular-nums">
          {retryAt > now ? `Trying again in ${Math.ceil((retryAt - now) / 1_000)} s.` : 'Trying again…'}
        </p>
      </Empty>
    </main>
  );
};
