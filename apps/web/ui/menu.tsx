/** Menus that drop down from a button. */
import type { ReactNode } from 'react';
import { DropdownMenu } from 'radix-ui';
import { Check } from 'lucide-react';

import { cx } from '../lib/cx';
import { Keys } from './keys';

interface MenuProps {
  trigger: ReactNode;
  align?: 'start' | 'end';
  side?: 'top' | 'bottom';
  children: ReactNode;
}

export const Menu = ({ trigger, align = 'end', side = 'bottom', children }: MenuProps) => (
  <DropdownMenu.Root modal={false}>
    <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
    <DropdownMenu.Portal>
      <DropdownMenu.Content
        align={align}
        side={side}
        sideOffset={6}
        collisionPadding={8}
        className="animate-appear z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-48 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-(--shadow)"
      >
        {children}
      </DropdownMenu.Content>
    </DropdownMenu.Portal>
  </DropdownMenu.Root>
);

const row =
  'target flex w-full items-center gap-2.5 rounded-md px-2 py-1.5 text-sm outline-none select-none data-disabled:text-faint data-disabled:cursor-not-allowed cursor-pointer data-highlighted:bg-hover';

interface ItemProps {
  icon?: ReactNode;
  keys?: string;
  dangerous?: boolean;
  disabled?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

export const MenuItem = ({ icon, keys, dangerous = false, disabled = false, onSelect, children }: ItemProps) => (
  <DropdownMenu.Item disabled={disabled} onSelect={onSelect} className={cx(row, dangerous && 'text-danger')}>
    {icon !== undefined && <span className={cx('shrink-0', dangerous ? 'text-danger' : 'text-muted')}>{icon}</span>}
    <span className="flex-1">{children}</span>
    {keys !== undefined && <Keys keys={keys} />}
  </DropdownMenu.Item>
);

export interface Choice<T extends string> {
  value: T;
  label: string;
  hint?: string;
}

export const MenuChoices = <T extends string>({
  label,
  value,
  choices,
  onChoose,
}: {
  label: string;
  value: T;
  choices: readonly Choice<T>[];
  onChoose: (value: T) => void;
}) => (
  <DropdownMenu.RadioGroup value={value} onValueChange={(chosen) => onChoose(chosen as T)} aria-label={label}>
    <DropdownMenu.Label className="px-2 pt-1.5 pb-1 text-2xs font-medium text-faint">{label}</DropdownMenu.Label>
    {choices.map((choice) => (
      <DropdownMenu.RadioItem key={choice.value} value={choice.value} className={cx(row, 'items-start')}>
        <span className="mt-0.5 size-4 shrink-0 text-accent-text">
          <DropdownMenu.ItemIndicator>
            <Check size={16} aria-hidden />
          </DropdownMenu.ItemIndicator>
        </span>
        <span className="min-w-0">
          <span className="block">{choice.label}</span>
          {choice.hint !== undefined && <span className="block max-w-64 text-xs text-muted">{choice.hint}</span>}
        </span>
      </DropdownMenu.RadioItem>
    ))}
  </DropdownMenu.RadioGroup>
);

export const MenuLine = () => <DropdownMenu.Separator className="my-1 h-px bg-line" />;
