/** The product's own mark and name. */
import { cx } from '../lib/cx';

export const Mark = ({ className }: { className?: string }) => (
  <svg viewBox="0 0 24 24" className={cx('size-5 shrink-0', className)} aria-hidden>
    <rect width="24" height="24" rx="6.5" fill="var(--accent)" />
    <path
      d="M7 8.2 10.8 12 7 15.8"
      fill="none"
      stroke="#fff"
      strokeWidth="2.1"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
    <circle cx="16" cy="12" r="2.3" fill="#fff" />
  </svg>
);

export const Wordmark = ({ name = 'Remote Claude' }: { name?: string | undefined }) => (
  <span className="inline-flex min-w-0 items-center gap-2">
    <Mark />
    <span className="truncate text-base font-semibold tracking-tight">{name}</span>
  </span>
);
