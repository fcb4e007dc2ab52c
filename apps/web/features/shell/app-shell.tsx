'use client';
/** The frame of every page for someone signed in: the side with its sessions, the main part, and the way past the one to the other. */
import type { ReactNode } from 'react';
import Link from 'next/link';
import { PanelLeft } from 'lucide-react';
import type { User } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import { usePanes } from '../../lib/panes';
import { narrow, useMedia } from '../../lib/use-media';
import { Wordmark } from '../../ui/brand';
import { IconButton } from '../../ui/button';
import { Sheet } from '../../ui/dialog';
import { UserMenu } from './user-menu';

interface AppShellProps {
  name: string | undefined;
  user: User;
  rail: ReactNode;
  /** On a phone the side is a sheet. */
  sheetOpen: boolean;
  onSheet: (open: boolean) => void;
  onShortcuts: () => void;
  banners: ReactNode;
  children: ReactNode;
}

const skip =
  'sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-accent focus:px-3 focus:py-1.5 focus:text-on-accent';

const Side = ({
  name,
  user,
  rail,
  onShortcuts,
  onClose,
}: Pick<AppShellProps, 'name' | 'user' | 'rail' | 'onShortcuts'> & { onClose?: () => void }) => (
  <div className="flex h-full min-h-0 w-full flex-col">
    <div className="flex h-11 shrink-0 items-center justify-between pointer-coarse:h-13 pr-2 pl-4">
      <Link href="/" aria-label="All sessions" onClick={() => onClose?.()} className="flex min-w-0 rounded-sm">
        <Wordmark name={name} />
      </Link>
      {onClose === undefined && (
        <IconButton label="Hide the sessions" onClick={usePanes.getState().toggleRail}>
          <PanelLeft size={16} aria-hidden />
        </IconButton>
      )}
    </div>
    <div className="flex min-h-0 flex-1 flex-col pt-2">{rail}</div>
    <div className="shrink-0 border-t border-line p-2">
      <UserMenu user={user} onShortcuts={onShortcuts} />
    </div>
  </div>
);

export const AppShell = ({ name, user, rail, sheetOpen, onSheet, onShortcuts, banners, children }: AppShellProps) => {
  const railOpen = usePanes((panes) => panes.railOpen);
  const phone = useMedia(narrow);
  return (
    <div className="flex h-dvh flex-col">
      <a href="#main" className={skip}>
        Skip to the content
      </a>
      {banners}
      <div className="flex min-h-0 flex-1">
        <aside
          aria-label="Side"
          className={cx('w-62 shrink-0 border-r border-line bg-bg max-md:hidden', !railOpen && 'hidden')}
        >
          {!phone && <Side name={name} user={user} rail={rail} onShortcuts={onShortcuts} />}
        </aside>
        <main id="main" tabIndex={-1} className="flex min-w-0 flex-1 flex-col outline-none">
          {children}
        </main>
      </div>
      {phone && (
        <Sheet open={sheetOpen} onOpenChange={onSheet} title="Sessions" side="left">
          <Side name={name} user={user} rail={rail} onShortcuts={onShortcuts} onClose={() => onSheet(false)} />
        </Sheet>
      )}
    </div>
  );
};

/** Brings the side back where it is hidden, and opens its sheet on a phone. */
export const SideButton = ({ onSheet }: { onSheet: () => void }) => {
  const railOpen = usePanes((panes) => panes.railOpen);
  const toggleRail = usePanes((panes) => panes.toggleRail);
  const phone = useMedia(narrow);
  if (!phone && railOpen) return null;
  return (
    <IconButton label="Show the sessions" onClick={phone ? onSheet : toggleRail}>
      <PanelLeft size={16} aria-hidden />
    </IconButton>
  );
};
