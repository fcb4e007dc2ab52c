/** Buttons. Every one says in words what it does, on its face or as its label. */
import type { ComponentProps, ReactNode } from 'react';
import { LoaderCircle } from 'lucide-react';

import { cx } from '../lib/cx';
import { Tip } from './tip';

const variants = {
  primary: 'bg-accent text-on-accent hover:bg-accent-hover disabled:opacity-50',
  secondary: 'border border-line-strong bg-surface text-text hover:bg-hover disabled:text-faint',
  ghost: 'text-muted hover:bg-hover hover:text-text disabled:text-faint',
  danger: 'bg-danger-solid text-white hover:brightness-110 disabled:opacity-50',
  quiet: 'text-accent-text hover:underline underline-offset-2 px-0!',
} as const;

const sizes = {
  sm: 'h-7 px-2.5 text-xs gap-1.5 rounded-md',
  md: 'h-8 px-3 text-sm gap-2 rounded-md',
  lg: 'h-10 px-4 text-base gap-2 rounded-lg',
} as const;

interface ButtonProps extends ComponentProps<'button'> {
  variant?: keyof typeof variants;
  size?: keyof typeof sizes;
  /** Work is under way: it takes no second press and keeps its width. */
  busy?: boolean;
  icon?: ReactNode;
}

export const Button = ({
  variant = 'secondary',
  size = 'md',
  busy = false,
  icon,
  className,
  children,
  ...rest
}: ButtonProps) => (
  <button
    type="button"
    {...rest}
    disabled={rest.disabled === true || busy}
    aria-busy={busy || undefined}
    className={cx(
      'target inline-flex shrink-0 select-none items-center justify-center font-medium whitespace-nowrap transition-colors duration-100 disabled:cursor-not-allowed',
      variants[variant],
      sizes[size],
      className,
    )}
  >
    {busy ? <LoaderCircle size={14} className="animate-spin" aria-hidden /> : icon}
    {children}
  </button>
);

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'aria-label'> {
  /** What it does; also its tooltip. */
  label: string;
  /** Keys that do the same, for the tooltip. */
  keys?: string;
  size?: 'sm' | 'md';
  pressed?: boolean;
  /** False where its sign is known to all, and where a tip would take the Escape of what it stands in. */
  hasTip?: boolean;
}

export const IconButton = ({
  label,
  keys,
  size = 'md',
  pressed,
  hasTip = true,
  className,
  children,
  ...rest
}: IconButtonProps) => {
  const button = (
    <button
      type="button"
      aria-label={label}
      aria-pressed={pressed}
      {...rest}
      className={cx(
        'target inline-flex shrink-0 items-center justify-center rounded-md transition-colors duration-100 disabled:cursor-not-allowed disabled:opacity-40',
        size === 'sm' ? 'size-6' : 'size-7',
        pressed === true ? 'bg-active text-text' : 'text-muted hover:bg-hover hover:text-text',
        className,
      )}
    >
      {children}
    </button>
  );
  if (!hasTip) return button;
  return (
    <Tip label={label} keys={keys}>
      {button}
    </Tip>
  );
};
