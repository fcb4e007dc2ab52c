'use client';
/** How a session's place is prepared: its set-up script, which can be run again, its variables, and its image. */
import { useState } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { routes, setupScript, type Preparation, type Session } from '@remote-claude/contract';
import { toast } from 'sonner';

import { call, newForm, sentenceOf } from '../../lib/client';
import { putSession, useAbout } from '../../lib/queries';
import { Button } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { InputField, TextField } from '../../ui/field';
import { Notice } from '../../ui/notice';
import { useSessionRights } from './use-session-actions';
import { readVariables } from './variables';

interface SetupDialogProps {
  session: Session;
  onClose: () => void;
}

const Form = ({ session, known, onClose }: SetupDialogProps & { known: Preparation }) => {
  const queries = useQueryClient();
  const { manage } = useSessionRights(session);
  const images = useAbout().data?.images ?? null;
  const [script, setScript] = useState(known.script ?? '');
  const [variables, setVariables] = useState('');
  const [image, setImage] = useState(known.image ?? '');
  const read = readVariables(variables);
  const wrongScript = script === '' ? undefined : setupScript.safeParse(script).error?.issues[0]?.message;
  const params = { id: session.id };
  const run = useMutation({
    mutationFn: () => newForm().call(routes.setup.run, { params, body: { script } }),
    onSuccess: (answer) => {
      putSession(queries, answer);
      onClose();
    },
  });
  const save = useMutation({
    mutationFn: () => {
      const isOther = image.trim() !== (known.image ?? '');
      const body = {
        ...(variables.trim() === '' ? {} : { env: read.env }),
        ...(isOther ? { image: image.trim() === '' ? null : image.trim() } : {}),
      };
      return newForm().call(routes.sessions.patch, { params, body });
    },
    onSuccess: (answer) => {
      putSession(queries, answer);
      toast.success('Saved. It counts when the session is started next.', {
        ...(answer.wanted === 'running' && {
          action: {
            label: 'Restart now',
            onClick: () =>
              void newForm()
                .call(routes.sessions.restart, { params })
                .catch((thrown: unknown) => toast.error(sentenceOf(thrown))),
          },
        }),
      });
      onClose();
    },
  });
  const error = run.error ?? save.error;
  const isChanged = variables.trim() !== '' || image.trim() !== (known.image ?? '');
  return (
    <div className="flex flex-col gap-4">
      <TextField
        label="Set-up script"
        aside="bash"
        rows={8}
        value={script}
        error={wrongScript}
        spellCheck={false}
        hint="Runs in the work tree as the session’s user; messages wait for its end."
        onChange={(event) => setScript(event.target.value)}
      />
      <div className="-mt-1 flex justify-end">
        <Button
          busy={run.isPending}
          disabled={script.trim() === '' || wrongScript !== undefined || session.wanted !== 'running'}
          onClick={() => run.mutate()}
        >
          {known.script === null ? 'Run' : 'Run again'}
        </Button>
      </div>
      {manage && (
        <>
          <TextField
            label="Variables"
            aside="NAME=value, a line each"
            rows={3}
            value={variables}
            error={read.problem ?? undefined}
            spellCheck={false}
            placeholder={
              known.env.length === 0 ? '' : `Set now: ${known.env.join(', ')}. What you write replaces them all.`
            }
            hint="Every program in the session finds them in its environment. Their values are shown to nobody here."
            onChange={(event) => setVariables(event.target.value)}
          />
          {images !== null && (
            <InputField
              label="Image"
              aside="optional"
              value={image}
              placeholder={images.usual}
              spellCheck={false}
              autoComplete="off"
              hint={
                images.allowed.length === 0
                  ? 'Only the usual one is allowed here.'
                  : `Allowed: ${images.allowed.join(', ')}`
              }
              onChange={(event) => setImage(event.target.value)}
            />
          )}
        </>
      )}
      {error !== null && (
        <Notice tone="danger" role="alert">
          {sentenceOf(error)}
        </Notice>
      )}
      <DialogButtons>
        <Button onClick={onClose}>Close</Button>
        {manage && (
          <Button
            variant="primary"
            busy={save.isPending}
            disabled={!isChanged || read.problem !== null}
            onClick={() => save.mutate()}
          >
            Save
          </Button>
        )}
      </DialogButtons>
    </div>
  );
};

export const SetupDialog = ({ session, onClose }: SetupDialogProps) => {
  const { data, error } = useQuery({
    queryKey: ['setup', session.id],
    queryFn: () => call(routes.setup.get, { params: { id: session.id } }),
    gcTime: 0,
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Set-up"
      description="What this session’s place is made of, and what is run in it before Claude works."
    >
      {error !== null && (
        <Notice tone="danger" role="alert">
          {sentenceOf(error)}
        </Notice>
      )}
      {data !== undefined && <Form session={session} known={data} onClose={onClose} />}
      {data === undefined && error === null && <div className="skeleton h-40" aria-busy="true" />}
    </Dialog>
  );
};
