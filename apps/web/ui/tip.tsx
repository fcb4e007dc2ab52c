/** A tooltip: a short label, and the keys that do the same. */
import { useState, type ReactNode } from 'react';
import { Tooltip } from 'radix-ui';

import { Keys } from './keys';

export const TipProvider = ({ children }: { children: ReactNode }) => (
  <Tooltip.Provider delayDuration={400} skipDelayDuration={200}>
    {children}
  </Tooltip.Provider>
);

export const Tip = ({
  label,
  keys,
  children,
}: {
  label: ReactNode;
  keys?: string | undefined;
  children: ReactNode;
}) => {
  const [open, setOpen] = useState(false);
  return (
    // A finger does not hover: there it would only come when a dialog gives the focus back, and stay.
    <Tooltip.Root open={open} onOpenChange={(next) => setOpen(next && window.matchMedia('(hover: hover)').matches)}>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          sideOffset={6}
          collisionPadding={8}
          className="animate-appear z-50 flex max-w-72 items-center gap-2 rounded-md border border-line bg-raised px-2 py-1 text-xs text-text shadow-(--shadow)"
        >
          {label}
          {keys !== undefined && <Keys keys={keys} />}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
};
