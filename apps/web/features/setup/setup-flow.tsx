'use client';
/** The first run, in three steps. The form for the model comes from outside: the settings have the same. */
import { useEffect, useState, type ReactNode } from 'react';
import { Check } from 'lucide-react';
import type { SessionId } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import { Button } from '../../ui/button';
import { EntryCard, Independent } from '../../ui/entry-card';
import { AccountStep } from './account-step';
import { FirstSessionStep } from './first-session-step';
import { takeSetupToken } from './setup-token';

const steps = ['Account', 'Model', 'First session'] as const;
const titles = ['Set up this server', 'Connect a model', 'Start your first session'] as const;
const leads = [
  'Make the account of the first administrator. You can add more people later.',
  'Sessions use your own key through this server’s gateway. The key is stored encrypted, never shown again, and never enters a session.',
  'Choose an example; you can change its words before you send them.',
] as const;

const Progress = ({ step }: { step: number }) => (
  <ol className="mb-6 flex gap-4 text-xs" aria-label="Steps">
    {steps.map((word, index) => (
      <li
        key={word}
        aria-current={index === step ? 'step' : undefined}
        className={cx('flex items-center gap-1.5', index === step ? 'font-medium text-text' : 'text-faint')}
      >
        <span
          className={cx(
            'grid size-4.5 place-items-center rounded-full border text-2xs tabular-nums',
            index < step
              ? 'border-ok text-ok'
              : index === step
                ? 'border-accent bg-accent text-on-accent'
                : 'border-line-strong',
          )}
        >
          {index < step ? <Check size={12} aria-hidden /> : index + 1}
        </span>
        {word}
      </li>
    ))}
  </ol>
);

interface SetupFlowProps {
  /** No admin existed when the page was opened. */
  setupNeeded: boolean;
  /** 0 for the account, 1 where the admin is signed in and no model is connected. */
  firstStep: 0 | 1;
  renderModelForm: (onDone: () => void) => ReactNode;
  onFinished: (session: SessionId | null) => void;
  onSignIn: () => void;
}

export const SetupFlow = ({ setupNeeded, firstStep, renderModelForm, onFinished, onSignIn }: SetupFlowProps) => {
  const [token, setToken] = useState<string | null>(null);
  const [step, setStep] = useState<number>(firstStep);
  useEffect(() => setToken((known) => known ?? takeSetupToken()), []);

  if (!setupNeeded && step === 0) {
    return (
      <EntryCard
        title="This server is set up already"
        lead="Sign in with your account, or ask an administrator for one."
        footer={<Independent />}
      >
        <Button variant="primary" size="lg" onClick={onSignIn}>
          Go to sign-in
        </Button>
      </EntryCard>
    );
  }
  if (step === 0 && token === null) {
    return (
      <EntryCard
        title="Open the set-up link"
        lead="When it started for the first time the server printed a link with a one-time token. Open that link here. It is also in the file setup-token in the server’s data folder."
        footer={<Independent />}
      >
        <p className="text-muted">This page comes back when it is opened with the link.</p>
      </EntryCard>
    );
  }
  return (
    <EntryCard wide title={titles[step] ?? ''} lead={leads[step]} footer={<Independent />}>
      <Progress step={step} />
      {step === 0 && token !== null && <AccountStep token={token} onDone={() => setStep(1)} />}
      {step === 1 && renderModelForm(() => setStep(2))}
      {step === 2 && <FirstSessionStep onCreated={onFinished} onSkip={() => onFinished(null)} />}
    </EntryCard>
  );
};
