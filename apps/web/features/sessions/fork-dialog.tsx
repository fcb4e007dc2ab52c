'use client';
/** Before a fork: its name, what it begins with, and what stays behind. */
import { useState } from 'react';
import { useRouter } from 'next/navigation';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { leftOutFolders, routes, type BoundedText, type CommandId, type Session } from '@remote-claude/contract';

import { wholeText } from '../../lib/blobs';
import { newForm, sentenceOf } from '../../lib/client';
import { putSession, useMe } from '../../lib/queries';
import { draftKey, remember } from '../../lib/storage';
import { Button } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { InputField } from '../../ui/field';
import { Notice } from '../../ui/notice';

export interface ForkAt {
  messageId: CommandId;
  /** It is no part of the fork, and waits there to be written anew. */
  message: BoundedText;
}

interface ForkDialogProps {
  session: Pick<Session, 'id' | 'name' | 'wanted'>;
  /** Null for the session as it is now. */
  at: ForkAt | null;
  onClose: () => void;
}

const maxName = 120;
const suffix = ' (fork)';

export const ForkDialog = ({ session, at, onClose }: ForkDialogProps) => {
  const queries = useQueryClient();
  const router = useRouter();
  const me = useMe().data?.user.id ?? '';
  const [form] = useState(newForm);
  const [name, setName] = useState(`${session.name.slice(0, maxName - suffix.length)}${suffix}`);
  const isStopped = session.wanted !== 'running';
  const fork = useMutation({
    mutationFn: async () => {
      const body = { name: name.trim(), ...(at === null ? {} : { messageId: at.messageId }) };
      const made = await form.call(routes.sessions.fork, { params: { id: session.id }, body });
      // Who cannot have all of it gets none of it, for half of it would be sent as if it were all.
      const text = at === null ? null : await wholeText(session.id, at.message).catch(() => null);
      if (text !== null) remember(draftKey(me, made.id), text);
      return made;
    },
    onSuccess: (made) => {
      putSession(queries, made);
      onClose();
      router.push(`/sessions/${made.id}`);
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={at === null ? 'Fork this session' : 'Fork from this message'}
      description={`A session of your own that begins as this one ${at === null ? 'is now' : 'was just before the message'}. This one stays as it is.`}
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          fork.mutate();
        }}
      >
        {isStopped && (
          <Notice tone="danger" role="alert">
            The session must run for its files to be copied. Resume it, then fork it.
          </Notice>
        )}
        {fork.error !== null && (
          <Notice tone="danger" role="alert">
            {sentenceOf(fork.error)}
          </Notice>
        )}
        <InputField
          label="Name"
          value={name}
          maxLength={maxName}
          data-autofocus
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
          onFocus={(event) => event.target.select()}
        />
        <dl className="space-y-2 text-sm">
          <div>
            <dt className="font-medium">What is copied</dt>
            <dd className="text-muted">
              The conversation{at !== null && ' up to there'}, what Claude remembers of it, and the files as they{' '}
              {at === null ? 'are now' : 'were then'}.
            </dd>
          </div>
          <div>
            <dt className="font-medium">What is not</dt>
            <dd className="text-muted">
              <span title={leftOutFolders.join(', ')}>
                Dependency folders such as {leftOutFolders[0]}, and files that no checkpoint can keep
              </span>
              ; terminals and what runs in them; what was allowed for the session, and with whom it is shared.
            </dd>
          </div>
        </dl>
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" busy={fork.isPending} disabled={isStopped || name.trim() === ''}>
            Fork
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
};
