'use client';
/** Asks before something that cannot be taken back, or that others will notice. */
import { useState } from 'react';
import { AlertDialog } from 'radix-ui';

import { sentenceOf } from '../lib/client';
import { Button } from './button';
import { useDialogFocus } from './dialog';

interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** What will happen, and what is kept. */
  body: string;
  action: string;
  dangerous?: boolean;
  /** The dialog closes when this is done, and shows what went wrong otherwise. */
  onConfirm: () => Promise<unknown>;
}

export const Confirm = ({ open, onOpenChange, title, body, action, dangerous = false, onConfirm }: ConfirmProps) => {
  // The first focus is on Cancel, as an alert dialog has it.
  const { onCloseAutoFocus } = useDialogFocus(open);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onOpenChange(false);
    } catch (thrown) {
      setError(sentenceOf(thrown));
    } finally {
      setBusy(false);
    }
  };
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="animate-appear fixed inset-0 z-40 bg-(--overlay)" />
        <AlertDialog.Content
          onCloseAutoFocus={onCloseAutoFocus}
          className="animate-rise fixed top-[20dvh] left-1/2 z-50 w-[calc(100vw-24px)] max-w-100 -translate-x-1/2 rounded-xl border border-line bg-raised p-5 shadow-(--shadow)"
        >
          <AlertDialog.Title className="text-lg font-semibold tracking-tight">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-muted">{body}</AlertDialog.Description>
          {error !== null && (
            <p role="alert" className="mt-3 text-danger">
              {error}
            </p>
          )}
          <div className="mt-5 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Cancel</Button>
            </AlertDialog.Cancel>
            <Button variant={dangerous ? 'danger' : 'primary'} busy={busy} onClick={() => void confirm()}>
              {action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
};
