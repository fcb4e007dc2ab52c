'use client';
/** The first admin's account. */
import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { useForm } from 'react-hook-form';
import { email, password, personName, routes } from '@remote-claude/contract';

import { call, sentenceOf } from '../../lib/client';
import { Button } from '../../ui/button';
import { InputField } from '../../ui/field';
import { Notice } from '../../ui/notice';

interface Fields {
  name: string;
  email: string;
  password: string;
}

/** A form's rule from a schema of the contract: true, or what is wrong. */
const byContract = (schema: typeof email | typeof password, otherwise: string) => (value: string) => {
  const parsed = schema.safeParse(value);
  return parsed.success || (value.trim() === '' ? otherwise : (parsed.error.issues[0]?.message ?? otherwise));
};

export const AccountStep = ({ token, onDone }: { token: string; onDone: () => void }) => {
  const queries = useQueryClient();
  const [error, setError] = useState<string | null>(null);
  const { register, handleSubmit, formState } = useForm<Fields>({
    defaultValues: { name: '', email: '', password: '' },
  });
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      await call(routes.auth.setup, { body: { token, ...fields } });
      await queries.invalidateQueries();
      onDone();
    } catch (thrown) {
      setError(sentenceOf(thrown));
    }
  });
  const { errors } = formState;
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      <InputField
        label="Name"
        autoComplete="name"
        autoFocus
        error={errors.name?.message}
        {...register('name', { validate: byContract(personName, 'Enter your name.') })}
      />
      <InputField
        label="E-mail"
        type="email"
        autoComplete="username"
        error={errors.email?.message}
        {...register('email', { validate: byContract(email, 'Enter your e-mail address.') })}
      />
      <InputField
        label="Password"
        type="password"
        autoComplete="new-password"
        hint="At least 12 characters. A few words in a row are good."
        error={errors.password?.message}
        {...register('password', { validate: byContract(password, 'Choose a password.') })}
      />
      {error !== null && (
        <Notice tone="danger" role="alert">
          {error}
        </Notice>
      )}
      <Button type="submit" variant="primary" size="lg" busy={formState.isSubmitting} className="mt-1 self-start">
        Create the admin account
      </Button>
    </form>
  );
};
