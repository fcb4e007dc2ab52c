'use client';
import { useState } from 'react';
import { useRouter } from 'next/navigation';

import { ModelForm } from '../../features/settings/model-form';
import { SetupFlow } from '../../features/setup/setup-flow';
import { usePageTitle } from '../../features/shell/page-title';
import { useAbout } from '../../lib/queries';

/** The first run. */
export default function SetupPage() {
  const router = useRouter();
  const { data } = useAbout();
  // The answer changes while the steps are under way: what counts is how it was.
  const [needed, setNeeded] = useState<boolean | null>(null);
  if (needed === null && data !== undefined) setNeeded(data.setupNeeded);
  usePageTitle('Set up', 0, null);
  if (needed === null) return null;
  return (
    <SetupFlow
      setupNeeded={needed}
      renderModelForm={(onDone) => <ModelForm onDone={onDone} />}
      onFinished={(session) => router.replace(session === null ? '/' : `/sessions/${session}`)}
      onSignIn={() => router.replace('/sign-in')}
    />
  );
}
