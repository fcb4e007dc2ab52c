'use client';
/** People in something that is shared: a row for each, and bringing one in by address. It knows neither roles nor what is shared. */
import { useState, type FormEvent, type ReactNode } from 'react';
import { email } from '@remote-claude/contract';

import { Button } from './button';
import { InputField } from './field';
import type { Choice } from './menu';
import { SelectField } from './select';

export const PersonRow = ({ name, detail, children }: { name: string; detail: string; children?: ReactNode }) => (
  <li className="flex items-center gap-3 py-2">
    <span
      aria-hidden
      className="grid size-7 shrink-0 place-items-center rounded-full bg-active text-xs font-medium text-muted"
    >
      {name.slice(0, 1).toUpperCase()}
    </span>
    <div className="min-w-0 flex-1">
      <p className="truncate font-medium">{name}</p>
      <p className="truncate text-xs text-muted">{detail}</p>
    </div>
    {children}
  </li>
);

interface AddPersonProps<R extends string> {
  choices: readonly Choice<R>[];
  usual: R;
  action: string;
  busy: boolean;
  onAdd: (who: { email: string; role: R }) => Promise<unknown>;
}

export const AddPersonForm = <R extends string>({ choices, usual, action, busy, onAdd }: AddPersonProps<R>) => {
  const [address, setAddress] = useState('');
  const [role, setRole] = useState<R>(usual);
  const [shown, setShown] = useState(false);
  const wrong = email.safeParse(address).error?.issues[0]?.message;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setShown(true);
    if (wrong !== undefined) return;
    onAdd({ email: address, role }).then(
      () => {
        setAddress('');
        setShown(false);
      },
      // Said beside the form.
      () => {},
    );
  };
  return (
    <form noValidate onSubmit={submit} className="flex flex-wrap items-start gap-2">
      <div className="min-w-48 flex-1">
        <InputField
          label="E-mail of a person who has an account here"
          type="email"
          value={address}
          onChange={(event) => setAddress(event.target.value)}
          error={shown ? wrong : undefined}
          data-autofocus
          autoComplete="off"
        />
      </div>
      <div className="w-32">
        <SelectField label="Role" value={role} choices={choices} onChange={setRole} />
      </div>
      <Button type="submit" variant="primary" busy={busy} className="mt-[27px]">
        {action}
      </Button>
    </form>
  );
};
