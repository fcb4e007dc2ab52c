/** Form fields: a label, the control, and a hint or what is wrong with it, tied together for everyone. */
import { useId, type ComponentProps, type ReactNode } from 'react';

import { cx } from '../lib/cx';

export const controlClass =
  'w-full rounded-md border border-line-strong bg-surface text-text transition-colors duration-100 hover:border-faint focus-visible:border-accent focus-visible:outline-2 focus-visible:outline-offset-0 focus-visible:outline-accent/30 aria-invalid:border-danger disabled:bg-sunken disabled:text-faint pointer-coarse:text-[16px]';

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** For what stands beside the label, such as "optional". */
  aside?: ReactNode;
}

const useField = ({ hint, error }: FieldProps) => {
  const id = useId();
  const note = error ?? hint;
  return {
    id,
    note,
    aria: { id, 'aria-invalid': error !== undefined || undefined, 'aria-describedby': note ? `${id}-note` : undefined },
  };
};

const Frame = ({
  id,
  note,
  label,
  error,
  aside,
  children,
}: FieldProps & { id: string; note: ReactNode; children: ReactNode }) => (
  <div className="flex flex-col gap-1.5">
    <div className="flex items-baseline justify-between gap-2">
      <label htmlFor={id} className="font-medium text-text">
        {label}
      </label>
      {aside !== undefined && <span className="text-xs text-faint">{aside}</span>}
    </div>
    {children}
    {note !== undefined && (
      <p
        id={`${id}-note`}
        role={error === undefined ? undefined : 'alert'}
        className={cx('text-xs', error === undefined ? 'text-muted' : 'text-danger')}
      >
        {note}
      </p>
    )}
  </div>
);

export const TextField = ({
  label,
  hint,
  error,
  aside,
  className,
  ...rest
}: FieldProps & ComponentProps<'textarea'>) => {
  const { id, note, aria } = useField({ label, hint, error });
  return (
    <Frame id={id} note={note} label={label} error={error} aside={aside}>
      <textarea {...rest} {...aria} className={cx(controlClass, 'resize-y px-3 py-2 font-mono text-sm', className)} />
    </Frame>
  );
};

export const InputField = ({ label, hint, error, aside, className, ...rest }: FieldProps & ComponentProps<'input'>) => {
  const { id, note, aria } = useField({ label, hint, error });
  return (
    <Frame id={id} note={note} label={label} error={error} aside={aside}>
      <input {...rest} {...aria} className={cx(controlClass, 'target h-9 px-3', className)} />
    </Frame>
  );
};
