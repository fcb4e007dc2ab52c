'use client';
import { Appearance } from '../../features/settings/appearance';
import { ModelForm } from '../../features/settings/model-form';
import { SideButton } from '../../features/shell/app-shell';
import { usePageTitle } from '../../features/shell/page-title';
import { PlainPage, Section } from '../../features/shell/plain-page';
import { useMe } from '../../lib/queries';
import { useFrame } from '../frame';

export default function SettingsPage() {
  const { openSide } = useFrame();
  const { data } = useMe();
  usePageTitle('Settings', 0, null);
  return (
    <PlainPage title="Settings" start={<SideButton onSheet={openSide} />}>
      {data?.user.role === 'admin' && (
        <Section
          title="Model"
          lead="Sessions reach the model through this server’s gateway. The key is stored encrypted, never shown again, and never enters a session."
        >
          <ModelForm />
        </Section>
      )}
      <Section title="Appearance" lead="For this browser.">
        <Appearance />
      </Section>
    </PlainPage>
  );
}
