/** How the line to the server is, as one bar: lost with a countdown, or back. It does not know which line it is. */
import type { ReactNode } from 'react';
import { Check, CloudOff } from 'lucide-react';

import { useNow } from '../../lib/use-now';
import { Button } from '../../ui/button';

export const BackBar = ({ children }: { children: ReactNode }) => (
  <div
    role="status"
    className="animate-appear flex min-h-9 shrink-0 items-center gap-2 border-b border-line bg-ok-soft px-4 py-1"
  >
    <Check size={16} className="shrink-0 text-ok" aria-hidden />
    {children}
  </div>
);

/** Where nothing is to be said; it stays, so that what is said later is read out. */
export const NoBar = () => <div role="status" className="sr-only" />;

const Countdown = ({ retryAt }: { retryAt: number }) => {
  const now = useNow(500);
  const seconds = Math.max(0, Math.ceil((retryAt - now) / 1_000));
  // Once is enough to be read out; the numbers are for the eyes.
  return (
    <span className="tabular-nums">
      <span className="sr-only">Trying again by itself.</span>
      <span aria-hidden>Trying again in {seconds} s.</span>
    </span>
  );
};

interface LostBarProps {
  /** In place of all other words. */
  error?: string | null;
  /** When the next attempt is due; null while one is under way. */
  retryAt: number | null;
  onRetry: () => void;
  children: ReactNode;
}

export const LostBar = ({ error = null, retryAt, onRetry, children }: LostBarProps) => (
  <div
    role="status"
    className="flex min-h-9 shrink-0 items-center gap-2.5 border-b border-line bg-attention-soft px-4 py-1"
  >
    <CloudOff size={16} className="shrink-0 text-attention" aria-hidden />
    <p className="min-w-0 flex-1">
      {error ?? (
        <>
          <span className="font-medium">Connection lost.</span>{' '}
          {retryAt === null ? 'Connecting…' : <Countdown retryAt={retryAt} />}{' '}
          <span className="text-muted max-md:hidden">{children}</span>
        </>
      )}
    </p>
    {retryAt !== null && (
      <Button size="sm" onClick={onRetry}>
        Try now
      </Button>
    )}
  </div>
);
