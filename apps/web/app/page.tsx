'use client';
import { Plus } from 'lucide-react';

import { SessionList } from '../features/sessions/session-list';
import { usePageTitle } from '../features/shell/page-title';
import { PlainPage } from '../features/shell/plain-page';
import { useSessions } from '../lib/queries';
import { Button } from '../ui/button';
import { HeaderStart, useFrame } from './frame';

/** All sessions. */
export default function SessionsPage() {
  const { create } = useFrame();
  const { data = [] } = useSessions();
  usePageTitle(
    'Sessions',
    data.reduce((sum, { openApprovals }) => sum + openApprovals, 0),
    null,
  );
  return (
    <PlainPage
      title="Sessions"
      start={<HeaderStart />}
      action={
        <Button variant="primary" icon={<Plus size={14} aria-hidden />} onClick={create}>
          New session
        </Button>
      }
    >
      <SessionList onCreate={create} />
    </PlainPage>
  );
}
