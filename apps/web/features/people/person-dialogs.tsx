'use client';
/** Adding a person, and giving one a new password. */
import { useState, type FormEvent, type ReactNode } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { toast } from 'sonner';
import { email, password, personName, routes, type SiteRole, type User } from '@remote-claude/contract';

import { call, newForm, sentenceOf } from '../../lib/client';
import { usersKey } from '../../lib/queries';
import { Button } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { InputField } from '../../ui/field';
import { Notice } from '../../ui/notice';
import { SelectField } from '../../ui/select';

const roleChoices = [
  { value: 'member', label: 'Member', hint: 'Has sessions of their own.' },
  { value: 'admin', label: 'Administrator', hint: 'Also manages people and settings.' },
] as const;

const problem = (schema: typeof email | typeof password, value: string): string | undefined =>
  schema.safeParse(value).error?.issues[0]?.message;

interface FormProps {
  error: unknown;
  busy: boolean;
  action: string;
  onCancel: () => void;
  onSubmit: () => void;
  children: ReactNode;
}

const DialogForm = ({ error, busy, action, onCancel, onSubmit, children }: FormProps) => (
  <form
    noValidate
    className="flex flex-col gap-4"
    onSubmit={(event: FormEvent) => {
      event.preventDefault();
      onSubmit();
    }}
  >
    {children}
    {error !== null && (
      <Notice tone="danger" role="alert">
        {sentenceOf(error)}
      </Notice>
    )}
    <DialogButtons>
      <Button onClick={onCancel}>Cancel</Button>
      <Button type="submit" variant="primary" busy={busy}>
        {action}
      </Button>
    </DialogButtons>
  </form>
);

interface DialogProps {
  onClose: () => void;
}

export const AddPersonDialog = ({ onClose }: DialogProps) => {
  const queries = useQueryClient();
  const [form] = useState(newForm);
  const [fields, setFields] = useState({ name: '', email: '', password: '' });
  const [role, setRole] = useState<SiteRole>('member');
  const [shown, setShown] = useState(false);
  const create = useMutation({
    mutationFn: () => form.call(routes.users.create, { body: { ...fields, role } }),
    onSuccess: ({ name }) => {
      void queries.invalidateQueries({ queryKey: usersKey });
      toast.success(`${name} can sign in now.`);
      onClose();
    },
  });
  const problems = {
    name: fields.name.trim() === '' ? 'Enter a name.' : problem(personName, fields.name),
    email: problem(email, fields.email),
    password: problem(password, fields.password),
  };
  const wrong = (name: keyof typeof problems): string | undefined => (shown ? problems[name] : undefined);
  const set = (name: keyof typeof fields) => (event: { target: { value: string } }) =>
    setFields((all) => ({ ...all, [name]: event.target.value }));
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Add a person"
      description="Tell them the password by another way than e-mail."
    >
      <DialogForm
        error={create.error}
        busy={create.isPending}
        action="Add"
        onCancel={onClose}
        onSubmit={() => {
          setShown(true);
          if (Object.values(problems).every((text) => text === undefined)) create.mutate();
        }}
      >
        <InputField
          label="Name"
          value={fields.name}
          onChange={set('name')}
          error={wrong('name')}
          data-autofocus
          autoComplete="off"
        />
        <InputField
          label="E-mail"
          type="email"
          value={fields.email}
          onChange={set('email')}
          error={wrong('email')}
          autoComplete="off"
        />
        <InputField
          label="First password"
          type="password"
          value={fields.password}
          onChange={set('password')}
          error={wrong('password')}
          hint="At least 12 characters."
          autoComplete="new-password"
        />
        <SelectField label="Role" value={role} choices={roleChoices} onChange={setRole} />
      </DialogForm>
    </Dialog>
  );
};

export const ResetPasswordDialog = ({ user, onClose }: DialogProps & { user: User }) => {
  const [value, setValue] = useState('');
  const [shown, setShown] = useState(false);
  const reset = useMutation({
    mutationFn: () => call(routes.users.patch, { params: { id: user.id }, body: { password: value } }),
    onSuccess: () => {
      toast.success(`${user.name} has a new password.`);
      onClose();
    },
  });
  const wrong = problem(password, value);
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`New password for ${user.name}`} width="sm">
      <DialogForm
        error={reset.error}
        busy={reset.isPending}
        action="Set the password"
        onCancel={onClose}
        onSubmit={() => {
          setShown(true);
          if (wrong === undefined) reset.mutate();
        }}
      >
        <InputField
          label="New password"
          type="password"
          value={value}
          onChange={(event) => setValue(event.target.value)}
          error={shown ? wrong : undefined}
          hint="At least 12 characters."
          data-autofocus
          autoComplete="new-password"
        />
      </DialogForm>
    </Dialog>
  );
};
