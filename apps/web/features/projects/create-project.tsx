'use client';
/** A new project: a name, and what it is about. */
import { useState } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { routes, type Project } from '@remote-claude/contract';

import { newForm, sentenceOf } from '../../lib/client';
import { projectsKey } from '../../lib/queries';
import { Button } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { InputField } from '../../ui/field';
import { Notice } from '../../ui/notice';

export const CreateProjectDialog = ({
  onClose,
  onCreated,
}: {
  onClose: () => void;
  onCreated: (id: Project['id']) => void;
}) => {
  const queries = useQueryClient();
  const [form] = useState(newForm);
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const create = useMutation({
    mutationFn: () =>
      form.call(routes.projects.create, { body: { name: name.trim(), description: description.trim() } }),
    onSuccess: (made) => {
      queries.setQueryData<Project[]>(projectsKey, (known) => (known === undefined ? known : [...known, made]));
      void queries.invalidateQueries({ queryKey: projectsKey });
      onClose();
      onCreated(made.id);
    },
  });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="New project"
      description="What several sessions have in common: the people in them, and what Claude may do without asking."
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <InputField
          label="Name"
          value={name}
          maxLength={120}
          data-autofocus
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
        <InputField
          label="Description"
          aside="optional"
          value={description}
          maxLength={2_000}
          autoComplete="off"
          onChange={(event) => setDescription(event.target.value)}
        />
        {create.error !== null && (
          <Notice tone="danger" role="alert">
            {sentenceOf(create.error)}
          </Notice>
        )}
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" busy={create.isPending} disabled={name.trim() === ''}>
            Create project
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
};
