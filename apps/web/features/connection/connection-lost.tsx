'use client';
/** The server does not answer, and nothing is there yet to show instead. */
import { useEffect } from 'react';
import { CloudOff } from 'lucide-react';

import { sentenceOf } from '../../lib/client';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';

const retryEveryMs = 3_000;

export const ConnectionLost = ({ error, onRetry }: { error: unknown; onRetry: () => void }) => {
  useEffect(() => {
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
        <p role="status">
          {sentenceOf(error)} This page tries again every few seconds. Sessions keep running meanwhile.
        </p>
      </Empty>
    </main>
  );
};
