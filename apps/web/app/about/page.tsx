'use client';
import { AboutCard } from '../../features/settings/about-card';
import { SideButton } from '../../features/shell/app-shell';
import { usePageTitle } from '../../features/shell/page-title';
import { PlainPage } from '../../features/shell/plain-page';
import { useFrame } from '../frame';

export default function AboutPage() {
  const { openSide } = useFrame();
  usePageTitle('About', 0, null);
  return (
    <PlainPage title="About" start={<SideButton onSheet={openSide} />}>
      <AboutCard />
    </PlainPage>
  );
}
