'use client';
/** Signing in with e-mail address and password. */
import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { useForm } from 'react-hook-form';
import { routes } from '@remote-claude/contract';

import { call, sentenceOf } from '../../lib/client';
import { Button } from '../../ui/button';
import { InputField } from '../../ui/field';
import { Notice } from '../../ui/notice';

interface Fields {
  email: string;
  password: string;
}

export const SignInForm = ({ onSignedIn }: { onSignedIn: () => void }) => {
  const queries = useQueryClient();
  const [error, setError] = useState<string | null>(null);
  const { register, handleSubmit, formState, resetField, setFocus } = useForm<Fields>({
    defaultValues: { email: '', password: '' },
  });
  const submit = handleSubmit(async (fields) => {
    setError(null);
    try {
      await call(routes.auth.login, { body: fields });
      queries.clear();
      onSignedIn();
    } catch (thrown) {
      setError(sentenceOf(thrown));
      resetField('password');
      setFocus('password');
    }
  });
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      <InputField
        label="E-mail"
        type="email"
        autoComplete="username"
        autoFocus
        error={formState.errors.email?.message}
        {...register('email', { required: 'Enter your e-mail address.' })}
      />
      <InputField
        label="Password"
        type="password"
        autoComplete="current-password"
        error={formState.errors.password?.message}
        {...register('password', { required: 'Enter your password.' })}
      />
      {error !== null && (
        <Notice tone="danger" role="alert">
          {error}
        </Notice>
      )}
      <Button type="submit" variant="primary" size="lg" busy={formState.isSubmitting} className="mt-1 w-full">
        Sign in
      </Button>
    </form>
  );
};
