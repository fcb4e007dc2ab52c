/** Dialogs. The focus is kept inside and goes back to where it came from; a title is always there. */
import { useState, type ReactNode } from 'react';
import { Dialog as Radix } from 'radix-ui';
import { X } from 'lucide-react';

import { cx } from '../lib/cx';
import { focusDialog, focusOpener, openersNow, type Openers } from '../lib/focus';
import { IconButton } from './button';

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  width?: 'sm' | 'md';
  children: ReactNode;
}

/** For the content of a dialog that no button of Radix's opens: Radix alone would give the focus back to nobody. */
export const useDialogFocus = (open: boolean) => {
  // While rendering: what opened it may be taken away by the same change that shows it.
  const [last, setLast] = useState<{ open: boolean; openers: Openers }>({ open: false, openers: [] });
  if (open !== last.open) setLast({ open, openers: open ? openersNow() : last.openers });
  const { openers } = last;
  return {
    onOpenAutoFocus: (event: Event): void => {
      event.preventDefault();
      if (event.currentTarget instanceof HTMLElement) focusDialog(event.currentTarget, openers);
    },
    onCloseAutoFocus: (event: Event): void => {
      event.preventDefault();
      focusOpener(openers);
    },
  };
};

const overlay = 'animate-appear fixed inset-0 z-40 bg-(--overlay)';

export const Dialog = ({ open, onOpenChange, title, description, width = 'md', children }: DialogProps) => {
  const focus = useDialogFocus(open);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={overlay} />
        <Radix.Content
          {...focus}
          {...(description === undefined ? { 'aria-describedby': undefined } : {})}
          className={cx(
            'animate-rise fixed top-[12dvh] left-1/2 z-50 flex max-h-[80dvh] w-[calc(100vw-24px)] -translate-x-1/2 flex-col overflow-hidden rounded-xl border border-line bg-raised shadow-(--shadow) outline-none',
            width === 'sm' ? 'max-w-100' : 'max-w-130',
          )}
        >
          <header className="flex items-start gap-3 px-5 pt-4 pb-1">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-lg font-semibold tracking-tight">{title}</Radix.Title>
              {description !== undefined && (
                <Radix.Description className="mt-1 text-muted">{description}</Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton
                label="Close"
                hasTip={false}
                className="-mt-0.5 -mr-2 pointer-coarse:-mt-2.5 pointer-coarse:-mr-3 pointer-coarse:-mb-2"
              >
                <X size={16} aria-hidden />
              </IconButton>
            </Radix.Close>
          </header>
          <div className="min-h-0 overflow-y-auto px-5 pt-3 pb-5">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
};

/** The row of buttons at a dialog's end; the one that does it comes last. */
export const DialogButtons = ({ children }: { children: ReactNode }) => (
  <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>
);

/** From the bottom of a phone, or from the left where it holds the navigation. */
export const Sheet = ({
  open,
  onOpenChange,
  title,
  side = 'bottom',
  children,
}: DialogProps & { side?: 'bottom' | 'left' }) => {
  const focus = useDialogFocus(open);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={overlay} />
        <Radix.Content
          {...focus}
          aria-describedby={undefined}
          className={cx(
            'animate-rise fixed z-50 flex flex-col overflow-hidden border-line bg-raised shadow-(--shadow) outline-none',
            side === 'bottom'
              ? 'inset-x-0 bottom-0 max-h-[85dvh] rounded-t-xl border-t pb-[env(safe-area-inset-bottom)]'
              : 'inset-y-0 left-0 w-[86vw] max-w-80 border-r',
          )}
        >
          <Radix.Title className="sr-only">{title}</Radix.Title>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
};
