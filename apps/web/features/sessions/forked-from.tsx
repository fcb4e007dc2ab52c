'use client';
/** From which session this one was made: a link for who may see that one, else its name. */
import Link from 'next/link';
import { GitFork } from 'lucide-react';
import type { ForkedFrom as Origin } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import { useSessionRow } from '../../lib/queries';

export const ForkedFrom = ({ from, className }: { from: Origin; className?: string }) => {
  const { data } = useSessionRow(from.sessionId);
  const name = data?.name ?? from.name;
  const words = (
    <>
      <GitFork size={12} className="shrink-0" aria-hidden />
      <span className="truncate">Forked from {name}</span>
    </>
  );
  const look = cx('flex min-w-0 items-center gap-1 text-xs text-faint', className);
  if (data === undefined) return <span className={look}>{words}</span>;
  return (
    <Link
      href={`/sessions/${from.sessionId}`}
      title={`Forked from ${name}`}
      className={cx(look, 'rounded-sm underline-offset-2 hover:text-text hover:underline')}
    >
      {words}
    </Link>
  );
};
