'use client';
/** Search and commands, from anywhere. Its list comes from whoever opens it. */
import { Command } from 'cmdk';
import { Dialog } from 'radix-ui';
import type { ReactNode } from 'react';

import { useDialogFocus } from '../../ui/dialog';
import { Keys } from '../../ui/keys';

export interface PaletteEntry {
  id: string;
  group: string;
  label: string;
  /** More words by which it is found. */
  also?: string;
  icon?: ReactNode;
  keys?: string;
  run: () => void;
}

interface PaletteProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  entries: readonly PaletteEntry[];
}

export const Palette = ({ open, onOpenChange, entries }: PaletteProps) => {
  const focus = useDialogFocus(open);
  const groups = [...new Set(entries.map(({ group }) => group))];
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="animate-appear fixed inset-0 z-40 bg-(--overlay)" />
        <Dialog.Content
          {...focus}
          aria-describedby={undefined}
          className="animate-rise fixed top-[14dvh] left-1/2 z-50 w-[calc(100vw-24px)] max-w-140 -translate-x-1/2 overflow-hidden rounded-xl border border-line bg-raised shadow-(--shadow)"
        >
          <Dialog.Title className="sr-only">Search and commands</Dialog.Title>
          <Command label="Search and commands" loop>
            <Command.Input
              data-autofocus
              placeholder="Find a session or a command"
              className="h-12 w-full border-b border-line bg-transparent px-4 text-base outline-none"
            />
            <Command.List className="max-h-[50dvh] overflow-y-auto p-1.5">
              <Command.Empty className="py-8 text-center text-muted">Nothing matches.</Command.Empty>
              {groups.map((group) => (
                <Command.Group
                  key={group}
                  heading={group}
                  className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-faint"
                >
                  {entries
                    .filter((entry) => entry.group === group)
                    .map((entry) => (
                      <Command.Item
                        key={entry.id}
                        value={`${entry.label} ${entry.also ?? ''} ${entry.id}`}
                        onSelect={() => {
                          onOpenChange(false);
                          entry.run();
                        }}
                        className="target flex h-9 cursor-pointer items-center gap-2.5 rounded-md px-2 data-[selected=true]:bg-hover"
                      >
                        <span className="grid size-4 shrink-0 place-items-center text-muted">{entry.icon}</span>
                        <span className="min-w-0 flex-1 truncate">{entry.label}</span>
                        {entry.keys !== undefined && <Keys keys={entry.keys} />}
                      </Command.Item>
                    ))}
                </Command.Group>
              ))}
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
};
