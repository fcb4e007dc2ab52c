/** What stands where nothing is yet: what is so, and the one next action. */
import type { ReactNode } from 'react';

interface EmptyProps {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export const Empty = ({ icon, title, children, action }: EmptyProps) => (
  <div className="mx-auto flex max-w-96 flex-col items-center px-6 py-14 text-center">
    {icon !== undefined && (
      <div className="mb-4 grid size-10 place-items-center rounded-lg border border-line bg-surface text-muted">
        {icon}
      </div>
    )}
    <h2 className="text-lg font-semibold tracking-tight">{title}</h2>
    {children !== undefined && <div className="mt-1.5 text-muted">{children}</div>}
    {action !== undefined && <div className="mt-5 flex flex-wrap justify-center gap-2">{action}</div>}
  </div>
);
