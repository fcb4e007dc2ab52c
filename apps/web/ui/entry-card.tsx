/** The frame of a page that stands alone, before one is signed in. */
import type { ReactNode } from 'react';

import { Wordmark } from './brand';

interface EntryCardProps {
  name?: string | undefined;
  title: string;
  lead?: ReactNode;
  wide?: boolean;
  footer?: ReactNode;
  children: ReactNode;
}

export const EntryCard = ({ name, title, lead, wide = false, footer, children }: EntryCardProps) => (
  <div className="flex min-h-full flex-col items-center px-4 py-10 md:justify-center">
    <div className={`w-full ${wide ? 'max-w-130' : 'max-w-90'}`}>
      <div className="mb-8">
        <Wordmark name={name} />
      </div>
      <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
      {lead !== undefined && <div className="mt-1.5 text-muted">{lead}</div>}
      <div className="mt-6">{children}</div>
      {footer !== undefined && <div className="mt-8 border-t border-line pt-4 text-xs text-faint">{footer}</div>}
    </div>
  </div>
);

/** Said wherever the product presents itself. */
export const Independent = () => <p>An independent project, not affiliated with the maker of the model.</p>;
