'use client';
/** Places the features of one session. The id comes from the address after mount: the export knows none. */
import { useCallback, useEffect, useState } from 'react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useHotkeys } from 'react-hotkeys-hook';
import { sessionId, shownStatusOf, type Session, type SessionId } from '@remote-claude/contract';

import { ApprovalDock } from '../../../features/approvals/approval-dock';
import { Chat } from '../../../features/chat/chat';
import { ConnectionBanner } from '../../../features/connection/connection-banner';
import { ForkDialog, type ForkAt } from '../../../features/sessions/fork-dialog';
import { PlaceCard } from '../../../features/sessions/place-card';
import { SessionHeader } from '../../../features/sessions/session-header';
import { usePageTitle } from '../../../features/shell/page-title';
import { PhoneBench } from '../../../features/shell/phone-bench';
import { PaneToggles, Workbench } from '../../../features/shell/workbench';
import { isCode, sentenceOf } from '../../../lib/client';
import { usePanes } from '../../../lib/panes';
import { useSessionRow, useSessions } from '../../../lib/queries';
import { SessionProvider, useSessionView } from '../../../lib/session-context';
import { narrow, useMedia } from '../../../lib/use-media';
import { Empty } from '../../../ui/empty';
import { HeaderStart, useFrame } from '../../frame';
import { panes } from '../../pane-registry';

const Bench = ({ session }: { session: Session }) => {
  const { openSide, create } = useFrame();
  const phone = useMedia(narrow);
  const state = useSessionView(({ log }) => (log.loaded ? log.state : null));
  const { data: all = [] } = useSessions();
  const here = state?.approvals.length ?? session.openApprovals;
  const elsewhere = all.reduce((sum, { id, openApprovals }) => (id === session.id ? sum : sum + openApprovals), 0);
  usePageTitle(state?.name || session.name, here + elsewhere, state === null ? session.shown : shownStatusOf(state));
  useHotkeys('ctrl+backquote', () => usePanes.getState().toggle('terminal'), {
    enableOnFormTags: true,
    preventDefault: true,
  });

  const [fork, setFork] = useState<ForkAt | null>(null);
  const onFork = useCallback(
    (messageId: ForkAt['messageId'], message: ForkAt['message']) => setFork({ messageId, message }),
    [],
  );
  const forked = { id: session.id, name: state?.name || session.name, wanted: state?.wanted ?? session.wanted };

  const chat = (
    <Chat dock={<ApprovalDock />} place={<PlaceCard session={session} onCreate={create} />} onFork={onFork} />
  );
  return (
    <>
      <SessionHeader session={session} start={<HeaderStart />} panes={<PaneToggles panes={panes} />} />
      <ConnectionBanner />
      {phone ? (
        <PhoneBench chat={chat} panes={panes} waiting={here > 0} onSessions={openSide} />
      ) : (
        <Workbench chat={chat} panes={panes} />
      )}
      {fork !== null && <ForkDialog session={forked} at={fork} onClose={() => setFork(null)} />}
    </>
  );
};

const NotThere = ({ title, text }: { title: string; text: string }) => (
  <div className="grid flex-1 place-items-center">
    <Empty
      title={title}
      action={
        <Link href="/" className="font-medium text-accent-text underline-offset-2 hover:underline">
          All sessions
        </Link>
      }
    >
      {text}
    </Empty>
  </div>
);

const One = ({ id }: { id: SessionId }) => {
  const { data, error } = useSessionRow(id);
  if (isCode(error, 'not_found'))
    return <NotThere title="There is no such session" text="It does not exist, or you have no access to it." />;
  if (data === undefined && error !== null)
    return <NotThere title="The session could not be loaded" text={sentenceOf(error)} />;
  if (data === undefined) {
    return (
      <div aria-busy="true" className="flex h-11 items-center gap-3 border-b border-line bg-surface px-4">
        <div className="skeleton h-4 w-44" />
        <div className="skeleton h-3.5 w-16" />
        <span className="sr-only">Loading the session</span>
      </div>
    );
  }
  return (
    <SessionProvider id={id}>
      <Bench session={data} />
    </SessionProvider>
  );
};

export const SessionPage = () => {
  const pathname = usePathname();
  const [mounted, setMounted] = useState(false);
  useEffect(() => setMounted(true), []);
  if (!mounted) return null;
  const parsed = sessionId.safeParse(/\/sessions\/([^/]+)/.exec(pathname)?.[1]);
  if (!parsed.success)
    return <NotThere title="There is no such session" text="This is not the address of a session." />;
  return <One key={parsed.data} id={parsed.data} />;
};
