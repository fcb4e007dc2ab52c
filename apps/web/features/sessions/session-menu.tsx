'use client';
/** The menu of one session: start, stop, rename, share, fork, leave, terminate; what is felt by others, or final, asks first. */
import { useState } from 'react';
import { usePathname, useRouter } from 'next/navigation';
import { CornerLeftUp, Ellipsis, GitFork, Hammer, LogOut, Pencil, Play, Square, Trash2, Users } from 'lucide-react';
import type { ForkedFrom, Session } from '@remote-claude/contract';

import { sentenceOf } from '../../lib/client';
import { useSessionRow } from '../../lib/queries';
import { Button, IconButton } from '../../ui/button';
import { Confirm } from '../../ui/confirm';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { InputField } from '../../ui/field';
import { Menu, MenuItem, MenuLine } from '../../ui/menu';
import { ForkDialog } from './fork-dialog';
import { SetupDialog } from './setup-dialog';
import { ShareDialog } from './share-dialog';
import {
  allowedActions,
  useIsEditor,
  useIsMember,
  useSessionActions,
  useSessionRights,
  type SessionActions,
} from './use-session-actions';

const RenameDialog = ({
  session,
  actions,
  onClose,
}: {
  session: Session;
  actions: SessionActions;
  onClose: () => void;
}) => {
  const [name, setName] = useState(session.name);
  const [error, setError] = useState<string | undefined>(undefined);
  const save = async (): Promise<void> => {
    try {
      await actions.rename(name.trim());
      onClose();
    } catch (thrown) {
      setError(sentenceOf(thrown));
    }
  };
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="Rename session" width="sm">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <InputField
          label="Name"
          value={name}
          maxLength={120}
          onChange={(event) => setName(event.target.value)}
          error={error}
          data-autofocus
          onFocus={(event) => event.target.select()}
          autoComplete="off"
        />
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" busy={actions.busy} disabled={name.trim() === ''}>
            Rename
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
};

/** A part of its own, so that what it asks the server is asked when the menu is open. */
const LeaveItem = ({ session, onSelect }: { session: Session; onSelect: () => void }) =>
  useIsMember(session) && (
    <MenuItem icon={<LogOut size={14} aria-hidden />} dangerous onSelect={onSelect}>
      Leave…
    </MenuItem>
  );

const ForkItem = ({ session, onSelect }: { session: Session; onSelect: () => void }) =>
  useIsEditor(session) && (
    <MenuItem icon={<GitFork size={14} aria-hidden />} disabled={!allowedActions(session).fork} onSelect={onSelect}>
      Fork…
    </MenuItem>
  );

const StartItem = ({ session, onSelect }: { session: Session; onSelect: () => void }) => {
  const isEditor = useIsEditor(session);
  return (
    (useSessionRights(session).manage || isEditor) && (
      <MenuItem icon={<Play size={14} aria-hidden />} onSelect={onSelect}>
        {session.shown === 'failed' ? 'Try to start again' : 'Resume'}
      </MenuItem>
    )
  );
};

/** Also where the header has no room for it. */
const OriginItem = ({ from, onSelect }: { from: ForkedFrom; onSelect: (id: string) => void }) => {
  const { data } = useSessionRow(from.sessionId);
  return (
    data !== undefined && (
      <MenuItem icon={<CornerLeftUp size={14} aria-hidden />} onSelect={() => onSelect(from.sessionId)}>
        <span className="block max-w-56 truncate">Forked from {data.name}</span>
      </MenuItem>
    )
  );
};

export const SessionMenu = ({ session }: { session: Session }) => {
  const actions = useSessionActions(session.id);
  const allowed = allowedActions(session);
  const rights = useSessionRights(session);
  const [asked, setAsked] = useState<'stop' | 'terminate' | 'rename' | 'share' | 'setup' | 'fork' | 'leave' | null>(
    null,
  );
  const router = useRouter();
  const isHere = usePathname().includes(session.id);
  const leave = async (): Promise<void> => {
    await actions.leave();
    if (isHere) router.push('/');
  };
  const close = (): void => setAsked(null);
  return (
    <>
      <Menu
        trigger={
          <IconButton label={`Actions for ${session.name}`}>
            <Ellipsis size={16} aria-hidden />
          </IconButton>
        }
      >
        <MenuItem
          icon={<Pencil size={14} aria-hidden />}
          disabled={!allowed.rename || !rights.manage}
          onSelect={() => setAsked('rename')}
        >
          Rename…
        </MenuItem>
        <MenuItem icon={<Users size={14} aria-hidden />} onSelect={() => setAsked('share')}>
          {rights.share ? 'Share…' : 'People…'}
        </MenuItem>
        {rights.share && (
          <MenuItem
            icon={<Hammer size={14} aria-hidden />}
            disabled={!allowed.terminate}
            onSelect={() => setAsked('setup')}
          >
            Set-up…
          </MenuItem>
        )}
        <ForkItem session={session} onSelect={() => setAsked('fork')} />
        {allowed.start && <StartItem session={session} onSelect={() => actions.start()} />}
        {allowed.stop && rights.manage && (
          <MenuItem icon={<Square size={14} aria-hidden />} onSelect={() => setAsked('stop')}>
            Stop…
          </MenuItem>
        )}
        <MenuLine />
        {session.forkedFrom !== null && (
          <OriginItem from={session.forkedFrom} onSelect={(id) => router.push(`/sessions/${id}`)} />
        )}
        <LeaveItem session={session} onSelect={() => setAsked('leave')} />
        <MenuItem
          icon={<Trash2 size={14} aria-hidden />}
          dangerous
          disabled={!allowed.terminate || !rights.manage}
          onSelect={() => setAsked('terminate')}
        >
          Terminate…
        </MenuItem>
      </Menu>
      {asked === 'rename' && <RenameDialog session={session} actions={actions} onClose={close} />}
      {asked === 'fork' && <ForkDialog session={session} at={null} onClose={close} />}
      {asked === 'setup' && <SetupDialog session={session} onClose={close} />}
      {asked === 'share' && <ShareDialog session={session} mayShare={rights.share} onClose={close} />}
      <Confirm
        open={asked === 'stop'}
        onOpenChange={(open) => !open && close()}
        title={`Stop “${session.name}”?`}
        body={
          session.shown === 'queued'
            ? 'It leaves the line for a place. Files and history stay; resumed, it stands at the end of the line.'
            : 'A running turn and the programs in its terminals end. Files and history stay, and you can resume it.'
        }
        action="Stop"
        onConfirm={actions.stop}
      />
      <Confirm
        open={asked === 'leave'}
        onOpenChange={(open) => !open && close()}
        title={`Leave “${session.name}”?`}
        body="It goes from your list, and what it asks from your inbox. What you did in it stays; only its owner can share it with you again."
        action="Leave"
        dangerous
        onConfirm={leave}
      />
      <Confirm
        open={asked === 'terminate'}
        onOpenChange={(open) => !open && close()}
        title={`Terminate “${session.name}”?`}
        body="The session ends for good and its files are removed after the retention time. Its history stays readable."
        action="Terminate"
        dangerous
        onConfirm={actions.terminate}
      />
    </>
  );
};
