'use client';
/** Decides by the address: a page that stands alone, or the frame with its side for who is signed in. */
import { createContext, lazy, Suspense, use, useEffect, useMemo, useState, type ReactNode } from 'react';
import { usePathname, useRouter } from 'next/navigation';
import {
  Bell,
  FolderKanban,
  Info,
  LayoutList,
  LogOut,
  MessageSquare,
  Moon,
  Plus,
  Settings,
  Sun,
  Users,
} from 'lucide-react';
import { useHotkeys } from 'react-hotkeys-hook';

import { InboxBell } from '../features/approvals/inbox-bell';
import { ConnectionLost } from '../features/connection/connection-lost';
import { SiteBanners } from '../features/connection/site-banners';
import { SiteConnection } from '../features/connection/site-connection';
import { SessionRail } from '../features/sessions/session-rail';
import { AppShell, SideButton } from '../features/shell/app-shell';
import type { PaletteEntry } from '../features/shell/palette';
import { ShortcutsDialog } from '../features/shell/shortcuts';
import { signOut } from '../features/shell/user-menu';
import { isCode } from '../lib/client';
import { focusNextPane } from '../lib/focus';
import { usePanes } from '../lib/panes';
import { useAbout, useMe, useSessions } from '../lib/queries';
import { useTheme } from '../lib/theme';
import { useLiveSessions } from '../lib/use-live-sessions';
import { Mark } from '../ui/brand';
import { StatusDot } from '../ui/status';

const CreateDialog = lazy(async () => ({ default: (await import('../features/sessions/create-dialog')).CreateDialog }));
const Inbox = lazy(async () => ({ default: (await import('../features/approvals/inbox')).Inbox }));
const Palette = lazy(async () => ({ default: (await import('../features/shell/palette')).Palette }));

interface FrameActions {
  create(): void;
  openSide(): void;
  openInbox(): void;
}
const Actions = createContext<FrameActions>({
  create: () => undefined,
  openSide: () => undefined,
  openInbox: () => undefined,
});
export const useFrame = (): FrameActions => use(Actions);

/** Begins the header of every page. */
export const HeaderStart = () => {
  const { openSide, openInbox } = useFrame();
  return (
    <>
      <SideButton onSheet={openSide} />
      <InboxBell onOpen={openInbox} />
    </>
  );
};

const wideForPanes = 1_180;

const Loading = () => (
  <div className="grid h-dvh place-items-center" aria-busy="true">
    <Mark className="animate-breathe size-8" />
    <span className="sr-only">Loading</span>
  </div>
);

const usePaletteEntries = (create: () => void, openInbox: () => void, showShortcuts: () => void): PaletteEntry[] => {
  const router = useRouter();
  const { data: sessions = [] } = useSessions();
  const { data: me } = useMe();
  const { resolved, choose } = useTheme();
  const admin = me?.user.role === 'admin';
  const go = (path: string) => () => router.push(path);
  return [
    ...sessions.map((session): PaletteEntry => ({
      id: session.id,
      group: 'Sessions',
      label: session.name,
      icon: <StatusDot shown={session.shown} />,
      run: go(`/sessions/${session.id}`),
    })),
    {
      id: 'new',
      group: 'Commands',
      label: 'New session',
      keys: 'Alt+N',
      icon: <Plus size={16} aria-hidden />,
      run: create,
    },
    {
      id: 'inbox',
      group: 'Commands',
      label: 'Waiting for you',
      also: 'approvals inbox questions',
      keys: 'Alt+I',
      icon: <Bell size={16} aria-hidden />,
      run: openInbox,
    },
    {
      id: 'sessions',
      group: 'Commands',
      label: 'All sessions',
      icon: <LayoutList size={16} aria-hidden />,
      run: go('/'),
    },
    {
      id: 'projects',
      group: 'Commands',
      label: 'Projects',
      icon: <FolderKanban size={16} aria-hidden />,
      run: go('/projects'),
    },
    ...(admin
      ? [
          {
            id: 'people',
            group: 'Commands',
            label: 'People',
            also: 'users',
            icon: <Users size={16} aria-hidden />,
            run: go('/people'),
          },
        ]
      : []),
    {
      id: 'settings',
      group: 'Commands',
      label: 'Settings',
      also: 'key model',
      icon: <Settings size={16} aria-hidden />,
      run: go('/settings'),
    },
    {
      id: 'theme',
      group: 'Commands',
      label: resolved === 'dark' ? 'Light theme' : 'Dark theme',
      icon: resolved === 'dark' ? <Sun size={16} aria-hidden /> : <Moon size={16} aria-hidden />,
      run: () => choose(resolved === 'dark' ? 'light' : 'dark'),
    },
    {
      id: 'shortcuts',
      group: 'Commands',
      label: 'Keyboard shortcuts',
      keys: '?',
      icon: <MessageSquare size={16} aria-hidden />,
      run: showShortcuts,
    },
    { id: 'about', group: 'Commands', label: 'About', icon: <Info size={16} aria-hidden />, run: go('/about') },
    {
      id: 'sign-out',
      group: 'Commands',
      label: 'Sign out',
      icon: <LogOut size={16} aria-hidden />,
      run: () => void signOut(),
    },
  ];
};

const SignedIn = ({ children }: { children: ReactNode }) => {
  const pathname = usePathname();
  const router = useRouter();
  const { data: about } = useAbout();
  const { data: me } = useMe();
  const [creating, setCreating] = useState(false);
  const [inbox, setInbox] = useState(false);
  const [shortcuts, setShortcuts] = useState(false);
  const [palette, setPalette] = useState(false);
  const [side, setSide] = useState(false);
  useLiveSessions(true);
  useEffect(() => usePanes.getState().load(window.innerWidth >= wideForPanes), []);

  const everywhere = { enableOnFormTags: true, enableOnContentEditable: true, preventDefault: true } as const;
  useHotkeys('mod+k', () => setPalette((open) => !open), everywhere);
  useHotkeys('alt+n', () => setCreating(true), everywhere);
  useHotkeys('alt+i', () => setInbox((open) => !open), everywhere);
  useHotkeys('f6', () => focusNextPane(false), everywhere);
  useHotkeys('shift+f6', () => focusNextPane(true), everywhere);
  useHotkeys('shift+slash', () => setShortcuts(true), { preventDefault: true });

  const actions = useMemo<FrameActions>(
    () => ({
      create: () => setCreating(true),
      openSide: () => setSide(true),
      openInbox: () => setInbox(true),
    }),
    [],
  );
  const entries = usePaletteEntries(actions.create, actions.openInbox, () => setShortcuts(true));
  const current = /\/sessions\/([^/]+)/.exec(pathname)?.[1] ?? null;
  if (me === undefined) return null;
  return (
    <Actions value={actions}>
      <AppShell
        name={about?.name}
        user={me.user}
        sheetOpen={side}
        onSheet={setSide}
        onShortcuts={() => setShortcuts(true)}
        banners={
          <>
            {current === null && <SiteConnection />}
            <SiteBanners user={me.user} />
          </>
        }
        rail={<SessionRail current={current} onCreate={actions.create} onNavigate={() => setSide(false)} />}
      >
        {children}
      </AppShell>
      {creating && (
        <Suspense>
          <CreateDialog open={creating} onOpenChange={setCreating} onCreated={(id) => router.push(`/sessions/${id}`)} />
        </Suspense>
      )}
      {inbox && (
        <Suspense>
          <Inbox open={inbox} onOpenChange={setInbox} />
        </Suspense>
      )}
      <ShortcutsDialog open={shortcuts} onOpenChange={setShortcuts} />
      {palette && (
        <Suspense>
          <Palette open={palette} onOpenChange={setPalette} entries={entries} />
        </Suspense>
      )}
    </Actions>
  );
};

/** Lets who is signed in pass, sends everyone else where they belong, and says so where the server is away. */
const Guard = ({ children }: { children: ReactNode }) => {
  const router = useRouter();
  const pathname = usePathname();
  const me = useMe();
  const about = useAbout();
  const away = isCode(me.error, 'unauthenticated');
  const setupNeeded = about.data?.setupNeeded;
  useEffect(() => {
    if (!away || setupNeeded === undefined) return;
    if (setupNeeded) router.replace('/setup');
    else router.replace(pathname === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(pathname)}`);
  }, [away, setupNeeded, pathname, router]);
  if (me.data !== undefined && !away) return <SignedIn>{children}</SignedIn>;
  if (me.error !== null && !away) return <ConnectionLost error={me.error} onRetry={() => void me.refetch()} />;
  return <Loading />;
};

const alone = /^\/(?:sign-in|setup)\/?$/;

export const Frame = ({ children }: { children: ReactNode }) => {
  const pathname = usePathname();
  if (!alone.test(pathname)) return <Guard>{children}</Guard>;
  return (
    <div className="flex h-dvh flex-col">
      <SiteBanners />
      <main id="main" className="min-h-0 flex-1 overflow-y-auto">
        {children}
      </main>
    </div>
  );
};
