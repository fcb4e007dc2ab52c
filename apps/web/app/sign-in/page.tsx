'use client';
import { useEffect } from 'react';
import { useRouter } from 'next/navigation';

import { SignInForm } from '../../features/auth/sign-in-form';
import { usePageTitle } from '../../features/shell/page-title';
import { useAbout } from '../../lib/queries';
import { EntryCard, Independent } from '../../ui/entry-card';

/** Only a path of this page, never another site. */
const nextPath = (): string => {
  const next = new URLSearchParams(window.location.search).get('next') ?? '/';
  return /^\/(?![/\\])/.test(next) ? next : '/';
};

export default function SignInPage() {
  const router = useRouter();
  const { data } = useAbout();
  usePageTitle('Sign in', 0, null);
  const setupNeeded = data?.setupNeeded === true;
  useEffect(() => {
    if (setupNeeded) router.replace('/setup');
  }, [setupNeeded, router]);
  return (
    <EntryCard name={data?.name} title="Sign in" footer={<Independent />}>
      <SignInForm onSignedIn={() => router.replace(nextPath())} />
    </EntryCard>
  );
}
