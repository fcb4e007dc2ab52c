'use client';
/** Everyone who may sign in; administrators change it here. */
import { useState } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Ellipsis, KeyRound, Shield, ShieldOff, UserCheck, UserPlus, UserX } from 'lucide-react';
import { toast } from 'sonner';
import { routes, type SiteRole, type User } from '@remote-claude/contract';

import { call, sentenceOf } from '../../lib/client';
import { useMe, usersKey } from '../../lib/queries';
import { ago, exactTime } from '../../lib/time';
import { useNow } from '../../lib/use-now';
import { Button, IconButton } from '../../ui/button';
import { Confirm } from '../../ui/confirm';
import { Menu, MenuItem, MenuLine } from '../../ui/menu';
import { Notice } from '../../ui/notice';
import { AddPersonDialog, ResetPasswordDialog } from './person-dialogs';

const everyone = async (): Promise<User[]> => {
  const items: User[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: User[]; nextCursor: string | null } = await call(routes.users.list, {
      query: { limit: 200, ...(cursor === null ? {} : { cursor }) },
    });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return items;
};

type Asked = { user: User; what: 'password' | 'disable' };

const PersonRow = ({
  user,
  own,
  onAsk,
  onChange,
}: {
  user: User;
  own: boolean;
  onAsk: (asked: Asked) => void;
  onChange: (change: { role?: SiteRole; disabled?: boolean }) => void;
}) => {
  const now = useNow(60_000);
  return (
    <li className="flex items-center gap-3 px-4 py-2.5">
      <span
        aria-hidden
        className="grid size-7 shrink-0 place-items-center rounded-full bg-active text-xs font-medium text-muted"
      >
        {user.name.slice(0, 1).toUpperCase()}
      </span>
      <div className="min-w-0 flex-1">
        <p className="truncate">
          <span className={user.disabled ? 'text-faint line-through' : 'font-medium'}>{user.name}</span>
          {own && <span className="ml-1.5 text-xs text-faint">you</span>}
        </p>
        <p className="truncate text-xs text-muted">{user.email}</p>
      </div>
      <span className="hidden w-24 text-xs text-muted sm:block">
        {user.disabled ? 'Disabled' : user.role === 'admin' ? 'Administrator' : 'Member'}
      </span>
      <span
        className="hidden w-28 text-xs text-faint md:block"
        title={user.lastLogin === null ? undefined : exactTime(user.lastLogin)}
      >
        {user.lastLogin === null ? 'Never signed in' : ago(user.lastLogin, now)}
      </span>
      <Menu
        trigger={
          <IconButton label={`Actions for ${user.name}`}>
            <Ellipsis size={16} aria-hidden />
          </IconButton>
        }
      >
        <MenuItem icon={<KeyRound size={14} aria-hidden />} onSelect={() => onAsk({ user, what: 'password' })}>
          New password…
        </MenuItem>
        {user.role === 'member' ? (
          <MenuItem icon={<Shield size={14} aria-hidden />} onSelect={() => onChange({ role: 'admin' })}>
            Make administrator
          </MenuItem>
        ) : (
          <MenuItem icon={<ShieldOff size={14} aria-hidden />} onSelect={() => onChange({ role: 'member' })}>
            Make member
          </MenuItem>
        )}
        <MenuLine />
        {user.disabled ? (
          <MenuItem icon={<UserCheck size={14} aria-hidden />} onSelect={() => onChange({ disabled: false })}>
            Enable
          </MenuItem>
        ) : (
          <MenuItem
            icon={<UserX size={14} aria-hidden />}
            dangerous
            disabled={own}
            onSelect={() => onAsk({ user, what: 'disable' })}
          >
            Disable…
          </MenuItem>
        )}
      </Menu>
    </li>
  );
};

export const PeopleList = () => {
  const queries = useQueryClient();
  const { data: me } = useMe();
  const { data, error, isPending } = useQuery({ queryKey: usersKey, queryFn: everyone });
  const [adding, setAdding] = useState(false);
  const [asked, setAsked] = useState<Asked | null>(null);
  const change = useMutation({
    mutationFn: ({ user, body }: { user: User; body: { role?: SiteRole; disabled?: boolean } }) =>
      call(routes.users.patch, { params: { id: user.id }, body }),
    onSuccess: () => queries.invalidateQueries({ queryKey: usersKey }),
  });
  return (
    <>
      <div className="mb-3 flex items-center justify-between">
        <p className="text-muted">
          {data === undefined ? ' ' : `${data.length} ${data.length === 1 ? 'person' : 'people'}`}
        </p>
        <Button variant="primary" icon={<UserPlus size={14} aria-hidden />} onClick={() => setAdding(true)}>
          Add a person
        </Button>
      </div>
      {isPending ? (
        <div className="skeleton h-40 rounded-lg!" aria-busy="true" />
      ) : data === undefined ? (
        <Notice tone="danger" role="alert">
          {sentenceOf(error)}
        </Notice>
      ) : (
        <ul aria-label="People" className="divide-y divide-line rounded-lg border border-line bg-surface">
          {data.map((user) => (
            <PersonRow
              key={user.id}
              user={user}
              own={user.id === me?.user.id}
              onAsk={setAsked}
              onChange={(body) =>
                change.mutate({ user, body }, { onError: (thrown) => toast.error(sentenceOf(thrown)) })
              }
            />
          ))}
        </ul>
      )}
      {adding && <AddPersonDialog onClose={() => setAdding(false)} />}
      {asked?.what === 'password' && <ResetPasswordDialog user={asked.user} onClose={() => setAsked(null)} />}
      {asked?.what === 'disable' && (
        <Confirm
          open
          onOpenChange={(open) => !open && setAsked(null)}
          title={`Disable ${asked.user.name}?`}
          body="They are signed out at once and cannot sign in. Their sessions and history stay."
          action="Disable"
          dangerous
          onConfirm={() => change.mutateAsync({ user: asked.user, body: { disabled: true } })}
        />
      )}
    </>
  );
};
