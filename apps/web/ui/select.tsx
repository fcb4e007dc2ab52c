/** One of a few, with a label: a list box that opens. */
import { useId } from 'react';
import { Select as Radix } from 'radix-ui';
import { Check, ChevronDown } from 'lucide-react';

import { cx } from '../lib/cx';
import { controlClass } from './field';
import type { Choice } from './menu';

interface SelectFieldProps<T extends string> {
  label: string;
  hint?: string | undefined;
  value: T;
  choices: readonly Choice<T>[];
  onChange: (value: T) => void;
  disabled?: boolean;
  hideLabel?: boolean;
}

export const SelectField = <T extends string>({
  label,
  hint,
  value,
  choices,
  onChange,
  disabled = false,
  hideLabel = false,
}: SelectFieldProps<T>) => {
  const id = useId();
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className={hideLabel ? 'sr-only' : 'font-medium'}>
        {label}
      </label>
      <Radix.Root value={value} onValueChange={(chosen) => onChange(chosen as T)} disabled={disabled}>
        <Radix.Trigger
          id={id}
          className={cx(controlClass, 'target flex h-9 items-center justify-between gap-2 px-3 text-left')}
        >
          <Radix.Value />
          <Radix.Icon>
            <ChevronDown size={14} className="text-muted" aria-hidden />
          </Radix.Icon>
        </Radix.Trigger>
        <Radix.Portal>
          <Radix.Content
            position="popper"
            sideOffset={4}
            className="animate-appear z-50 max-h-80 min-w-(--radix-select-trigger-width) overflow-hidden rounded-lg border border-line bg-raised p-1 shadow-(--shadow)"
          >
            <Radix.Viewport>
              {choices.map((choice) => (
                <Radix.Item
                  key={choice.value}
                  value={choice.value}
                  className="target flex cursor-pointer items-start gap-2 rounded-md py-1.5 pr-3 pl-2 outline-none select-none data-highlighted:bg-hover"
                >
                  <span className="mt-0.5 size-4 shrink-0 text-accent-text">
                    <Radix.ItemIndicator>
                      <Check size={16} aria-hidden />
                    </Radix.ItemIndicator>
                  </span>
                  <span>
                    <Radix.ItemText>{choice.label}</Radix.ItemText>
                    {choice.hint !== undefined && (
                      <span className="block max-w-80 text-xs text-muted">{choice.hint}</span>
                    )}
                  </span>
                </Radix.Item>
              ))}
            </Radix.Viewport>
          </Radix.Content>
        </Radix.Portal>
      </Radix.Root>
      {hint !== undefined && <p className="text-xs text-muted">{hint}</p>}
    </div>
  );
};
