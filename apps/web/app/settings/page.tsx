'use client';
import { AlwaysAllowed } from '../../features/settings/always-allowed';
import { Appearance } from '../../features/settings/appearance';
import { ModelForm } from '../../features/settings/model-form';
import { usePageTitle } from '../../features/shell/page-title';
import { PlainPage, Section } from '../../features/shell/plain-page';
import { useMe } from '../../lib/queries';
import { HeaderStart } from '../frame';

export default function SettingsPage() {
  const { data } = useMe();
  usePageTitle('Settings', 0, null);
  return (
    <PlainPage title="Settings" start={<HeaderStart />}>
      {data?.user.role === 'admin' && (
        <Section
          title="Model"
          lead="Sessions reach the model through this server’s gateway. The key is stored encrypted, never shown again, and never enters a session."
        >
          <ModelForm />
        </Section>
      )}
      <Section
        title="Always allowed"
        lead="What Claude may do in all of your sessions without asking. Each stands for exactly what its words say."
      >
        <AlwaysAllowed />
      </Section>
      <Section title="Appearance" lead="For this browser.">
        <Appearance />
      </Section>
    </PlainPage>
  );
}
