/** A page with one column: a title and what is beneath. */
import type { ReactNode } from 'react';

interface PlainPageProps {
  title: string;
  start: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}

export const PlainPage = ({ title, start, action, children }: PlainPageProps) => (
  <>
    <header className="flex h-11 shrink-0 items-center pointer-coarse:h-14 gap-2 border-b border-line bg-surface px-4">
      {start}
      <h1 className="flex-1 truncate text-base font-semibold tracking-tight">{title}</h1>
      {action}
    </header>
    <div className="min-h-0 flex-1 overflow-y-auto">
      <div className="mx-auto max-w-210 px-4 py-6 md:px-8">{children}</div>
    </div>
  </>
);

export const Section = ({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) => (
  <section className="border-b border-line py-7 first:pt-0 last:border-b-0">
    <h2 className="text-base font-semibold tracking-tight">{title}</h2>
    {lead !== undefined && <p className="mt-0.5 text-muted">{lead}</p>}
    <div className="mt-4">{children}</div>
  </section>
);
