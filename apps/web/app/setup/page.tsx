'use client';
import { useEffect, useState } from 'react';
import { useRouter } from 'next/navigation';

import { ModelForm } from '../../features/settings/model-form';
import { SetupFlow } from '../../features/setup/setup-flow';
import { usePageTitle } from '../../features/shell/page-title';
import { useAbout, useMe } from '../../lib/queries';

/** The first run. */
export default function SetupPage() {
  const router = useRouter();
  const { data } = useAbout();
  // The answer changes while the steps are under way: what counts is how it was.
  const [needed, setNeeded] = useState<boolean | null>(null);
  if (needed === null && data !== undefined) setNeeded(data.setupNeeded);
  // Where no account is yet, nobody is signed in.
  const me = useMe(needed === false);
  const isAdmin = me.data?.user.role === 'admin';
  // Whoever comes back in the middle, after a reload, goes on where the model is chosen.
  const [resumes, setResumes] = useState<boolean | null>(null);
  if (resumes === null && needed === false && !me.isPending) setResumes(isAdmin && data?.modelSet === false);
  const isElsewhere = needed === false && resumes === false && me.data !== undefined;
  useEffect(() => {
    if (isElsewhere) router.replace('/');
  }, [isElsewhere, router]);
  usePageTitle('Set up', 0, null);
  if (needed === null || (!needed && resumes === null) || isElsewhere) return null;
  return (
    <SetupFlow
      setupNeeded={needed}
      firstStep={resumes === true ? 1 : 0}
      renderModelForm={(onDone) => <ModelForm onDone={onDone} />}
      onFinished={(session) => router.replace(session === null ? '/' : `/sessions/${session}`)}
      onSignIn={() => router.replace('/sign-in')}
    />
  );
}
