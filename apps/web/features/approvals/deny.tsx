'use client';
/** Denying, with the reason that Claude is told. */
import { useState } from 'react';

import { Button } from '../../ui/button';
import { controlClass } from '../../ui/field';
import { cx } from '../../lib/cx';

interface DenyProps {
  label: string;
  /** What the reason is for, as the field's placeholder. */
  prompt: string;
  busy: boolean;
  onDeny: (reason: string) => void;
  onCancel: () => void;
}

export const DenyForm = ({ label, prompt, busy, onDeny, onCancel }: DenyProps) => {
  const [reason, setReason] = useState('');
  return (
    <form
      className="flex w-full flex-wrap items-center gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        onDeny(reason.trim());
      }}
    >
      <input
        autoFocus
        aria-label="Reason"
        value={reason}
        maxLength={4_000}
        placeholder={prompt}
        onChange={(event) => setReason(event.target.value)}
        className={cx(controlClass, 'target h-8 min-w-40 flex-1 px-2.5')}
      />
      <Button variant="ghost" onClick={onCancel}>
        Back
      </Button>
      <Button type="submit" variant="secondary" busy={busy}>
        {label}
      </Button>
    </form>
  );
};
