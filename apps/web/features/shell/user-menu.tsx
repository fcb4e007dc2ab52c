'use client';
/** Who is signed in, and where they go from here. */
import { useRouter } from 'next/navigation';
import { ChevronsUpDown, FolderKanban, Info, Keyboard, LogOut, Settings, Users } from 'lucide-react';
import { toast } from 'sonner';
import { routes, type User } from '@remote-claude/contract';

import { basePath } from '../../lib/base-path';
import { call, isCode, sentenceOf } from '../../lib/client';
import { themeChoices, useTheme } from '../../lib/theme';
import { Menu, MenuChoices, MenuItem, MenuLine } from '../../ui/menu';

const themeWords = { system: 'System theme', light: 'Light theme', dark: 'Dark theme' } as const;

export const signOut = async (): Promise<void> => {
  try {
    await call(routes.auth.logout, {});
  } catch (thrown) {
    if (!isCode(thrown, 'unauthenticated')) {
      toast.error(`You are still signed in. ${sentenceOf(thrown)}`);
      return;
    }
  }
  // A new document: nothing of this person stays in the page's memory, and nothing asks again without the cookie.
  window.location.replace(`${basePath()}/sign-in/`);
};

export const UserMenu = ({ user, onShortcuts }: { user: User; onShortcuts: () => void }) => {
  const router = useRouter();
  const { choice, choose } = useTheme();
  return (
    <Menu
      align="start"
      side="top"
      trigger={
        <button
          type="button"
          aria-label={`Account of ${user.name}`}
          className="target flex h-10 w-full min-w-0 items-center gap-2.5 rounded-md px-2 text-left hover:bg-hover"
        >
          <span
            aria-hidden
            className="grid size-6 shrink-0 place-items-center rounded-full bg-accent-soft text-2xs font-semibold text-accent-text"
          >
            {user.name.slice(0, 1).toUpperCase()}
          </span>
          <span className="min-w-0 flex-1 truncate">{user.name}</span>
          <ChevronsUpDown size={14} className="shrink-0 text-faint" aria-hidden />
        </button>
      }
    >
      <MenuItem icon={<FolderKanban size={14} aria-hidden />} onSelect={() => router.push('/projects')}>
        Projects
      </MenuItem>
      {user.role === 'admin' && (
        <MenuItem icon={<Users size={14} aria-hidden />} onSelect={() => router.push('/people')}>
          People
        </MenuItem>
      )}
      <MenuItem icon={<Settings size={14} aria-hidden />} onSelect={() => router.push('/settings')}>
        Settings
      </MenuItem>
      <MenuItem icon={<Keyboard size={14} aria-hidden />} keys="?" onSelect={onShortcuts}>
        Keyboard shortcuts
      </MenuItem>
      <MenuItem icon={<Info size={14} aria-hidden />} onSelect={() => router.push('/about')}>
        About
      </MenuItem>
      <MenuLine />
      <MenuChoices
        label="Theme"
        value={choice}
        choices={themeChoices.map((value) => ({ value, label: themeWords[value] }))}
        onChoose={choose}
      />
      <MenuLine />
      <MenuItem icon={<LogOut size={14} aria-hidden />} onSelect={() => void signOut()}>
        Sign out
      </MenuItem>
    </Menu>
  );
};
