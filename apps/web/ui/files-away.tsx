'use client';
/** Stands where files would be in a session that does not run: why, and how to come to them. */
import { useMutation } from '@tanstack/react-query';
import { FolderTree } from 'lucide-react';
import { toast } from 'sonner';
import { routes, type ShownStatus } from '@remote-claude/contract';

import { call, sentenceOf } from '../lib/client';
import { useSession } from '../lib/session-context';
import { Button } from './button';
import { Empty } from './empty';

/** Why there are no files to be seen, by the word for the session's state; what is not here means that they come by themselves. */
const awayWords: Partial<Record<ShownStatus, string>> = {
  queued: 'It waits for a place to be free. Its files show as soon as it runs.',
  stopping: 'The session is being stopped. Its files are kept and show when it runs again.',
  stopped: 'The session is stopped. Its files are kept and show when it runs again.',
  terminated:
    'A terminated session does not run again, so its files are not shown. Its history stays readable in the chat.',
  failed: 'The session could not start. The chat says why; its files show when it runs.',
};

const titleOf = (state: ShownStatus, what: 'files' | 'file'): string => {
  if (state === 'terminated') return 'This session has ended';
  if (state === 'queued') return 'The session waits in line';
  if (awayWords[state] === undefined) return 'The session is starting';
  return what === 'file' ? 'The file is out of reach' : 'The files are out of reach';
};

export const FilesAway = ({ state, what = 'files' }: { state: ShownStatus; what?: 'files' | 'file' }) => {
  const { id, can } = useSession();
  const start = useMutation({
    mutationFn: () => call(routes.sessions.start, { params: { id } }),
    onError: (thrown) => toast.error(sentenceOf(thrown)),
  });
  return (
    <Empty
      icon={<FolderTree size={18} aria-hidden />}
      title={titleOf(state, what)}
      action={
        what === 'files' &&
        state === 'stopped' &&
        can('session.start') && (
          <Button busy={start.isPending} onClick={() => start.mutate()}>
            Resume the session
          </Button>
        )
      }
    >
      {awayWords[state] ?? 'Its files show as soon as it runs.'}
    </Empty>
  );
};
