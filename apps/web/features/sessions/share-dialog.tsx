'use client';
/** With whom a session is shared: the owner adds, changes and takes out; everyone else in it reads. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { routes, type Member, type MemberRole, type Session } from '@remote-claude/contract';

import { call, sentenceOf } from '../../lib/client';
import { membersKey } from '../../lib/queries';
import { IconButton } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Notice } from '../../ui/notice';
import { AddPersonForm, PersonRow } from '../../ui/people';
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
        <AddPersonForm
          choices={roleChoices}
          usual="editor"
          action="Share"
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
      {!session.project.isPersonal && (
        <p className="mt-3 text-xs text-muted">
          Everyone in the project “{session.project.name}” is in this session too, with their part there.
        </p>
      )}
      <ul className="mt-4 divide-y divide-line" aria-busy={members.isPending}>
        {members.data !== undefined && <PersonRow name={members.data.owner.name} detail="Owner" />}
        {members.data?.items.map((one) => (
          <PersonRow key={one.userId} name={one.name} detail={one.email ?? roleWords[one.role]}>
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
          </PersonRow>
        ))}
      </ul>
    </Dialog>
  );
};
