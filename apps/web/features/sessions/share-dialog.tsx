'use client';
/** With whom a session is shared: the owner adds, changes and takes out; everyone else in it reads. */
import { useState, type FormEvent, type ReactNode } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { email, routes, type Member, type MemberRole, type Session } from '@remote-claude/contract';

import { call, sentenceOf } from '../../lib/client';
import { membersKey } from '../../lib/queries';
import { Button, IconButton } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { InputField } from '../../ui/field';
import { Notice } from '../../ui/notice';
import { SelectField } from '../../ui/select';

const roleChoices = [
  {
    value: 'editor',
    label: 'Editor',
    hint: 'Talks to Claude, answers its questions, changes files, types in terminals.',
  },
  { value: 'viewer', label: 'Viewer', hint: 'Reads along.' },
] as const;
const roleWords: Record<MemberRole, string> = { editor: 'Editor', viewer: 'Viewer' };

const Person = ({ name, detail, children }: { name: string; detail: string; children: ReactNode }) => (
  <li className="flex items-center gap-3 py-2">
    <span
      aria-hidden
      className="grid size-7 shrink-0 place-items-center rounded-full bg-active text-xs font-medium text-muted"
    >
      {name.slice(0, 1).toUpperCase()}
    </span>
    <div className="min-w-0 flex-1">
      <p className="truncate font-medium">{name}</p>
      <p className="truncate text-xs text-muted">{detail}</p>
    </div>
    {children}
  </li>
);

const AddForm = ({
  onAdd,
  busy,
}: {
  onAdd: (who: { email: string; role: MemberRole }) => Promise<unknown>;
  busy: boolean;
}) => {
  const [address, setAddress] = useState('');
  const [role, setRole] = useState<MemberRole>('editor');
  const [shown, setShown] = useState(false);
  const wrong = email.safeParse(address).error?.issues[0]?.message;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setShown(true);
    if (wrong !== undefined) return;
    onAdd({ email: address, role }).then(
      () => {
        setAddress('');
        setShown(false);
      },
      // Said above the form.
      () => {},
    );
  };
  return (
    <form noValidate onSubmit={submit} className="flex flex-wrap items-start gap-2">
      <div className="min-w-48 flex-1">
        <InputField
          label="E-mail of a person who has an account here"
          type="email"
          value={address}
          onChange={(event) => setAddress(event.target.value)}
          error={shown ? wrong : undefined}
          data-autofocus
          autoComplete="off"
        />
      </div>
      <div className="w-32">
        <SelectField label="Role" value={role} choices={roleChoices} onChange={setRole} />
      </div>
      <Button type="submit" variant="primary" busy={busy} className="mt-[27px]">
        Share
      </Button>
    </form>
  );
};

export const ShareDialog = ({
  session,
  mayShare,
  onClose,
}: {
  session: Session;
  mayShare: boolean;
  onClose: () => void;
}) => {
  const queries = useQueryClient();
  const params = { id: session.id };
  const key = membersKey(session.id);
  const members = useQuery({ queryKey: key, queryFn: () => call(routes.members.list, { params }) });
  const change = useMutation({
    mutationFn: (act: () => Promise<unknown>) => act(),
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  });
  const error = change.error ?? members.error;
  const ofMember = ({ userId }: Member) => ({ ...params, userId });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`People in “${session.name}”`}
      description="What they do here counts as the owner’s in cost; the log says who did it."
    >
      {mayShare && (
        <AddForm
          busy={change.isPending}
          onAdd={(who) => change.mutateAsync(() => call(routes.members.add, { params, body: who }))}
        />
      )}
      {error !== null && (
        <div className="mt-3">
          <Notice tone="danger" role="alert">
            {sentenceOf(error)}
          </Notice>
        </div>
      )}
      <ul className="mt-4 divide-y divide-line" aria-busy={members.isPending}>
        {members.data !== undefined && (
          <Person name={members.data.owner.name} detail="Owner">
            {null}
          </Person>
        )}
        {members.data?.items.map((one) => (
          <Person key={one.userId} name={one.name} detail={one.email ?? roleWords[one.role]}>
            {mayShare && (
              <>
                <div className="w-28 shrink-0">
                  <SelectField
                    label={`Role of ${one.name}`}
                    hideLabel
                    value={one.role}
                    choices={roleChoices}
                    onChange={(role) =>
                      change.mutate(() => call(routes.members.put, { params: ofMember(one), body: { role } }))
                    }
                  />
                </div>
                <IconButton
                  label={`Take ${one.name} out`}
                  onClick={() => change.mutate(() => call(routes.members.remove, { params: ofMember(one) }))}
                >
                  <X size={16} aria-hidden />
                </IconButton>
              </>
            )}
          </Person>
        ))}
      </ul>
    </Dialog>
  );
};
