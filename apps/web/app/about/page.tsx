'use client';
import { AboutCard } from '../../features/settings/about-card';
import { usePageTitle } from '../../features/shell/page-title';
import { PlainPage } from '../../features/shell/plain-page';
import { HeaderStart } from '../frame';

export default function AboutPage() {
  usePageTitle('About', 0, null);
  return (
    <PlainPage title="About" start={<HeaderStart />}>
      <AboutCard />
    </PlainPage>
  );
}
