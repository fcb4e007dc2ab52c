'use client';
/** Name, description, and what the sessions of a project begin with. */
import { useState } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { modelName, routes, type Project } from '@remote-claude/contract';
import { toast } from 'sonner';

import { call, sentenceOf } from '../../lib/client';
import { modelChoices, siteModel } from '../../lib/models';
import { projectsKey, sessionsKey, useAbout } from '../../lib/queries';
import { Button } from '../../ui/button';
import { InputField } from '../../ui/field';
import { Notice } from '../../ui/notice';
import { SelectField } from '../../ui/select';

type Mode = NonNullable<Project['defaults']['permissionMode']>;
const siteMode = 'site';
const modes: readonly { value: Mode | typeof siteMode; label: string }[] = [
  { value: siteMode, label: 'As anywhere (Manual)' },
  { value: 'default', label: 'Manual' },
  { value: 'acceptEdits', label: 'Accept edits' },
  { value: 'plan', label: 'Plan' },
  { value: 'auto', label: 'Auto' },
];

export const ProjectForm = ({ project }: { project: Project }) => {
  const queries = useQueryClient();
  const allowed = useAbout().data?.models ?? [];
  const [name, setName] = useState(project.name);
  const [description, setDescription] = useState(project.description);
  const [model, setModel] = useState<string>(project.defaults.model ?? '');
  const [mode, setMode] = useState<Mode | typeof siteMode>(project.defaults.permissionMode ?? siteMode);
  const wrongModel = model.trim() === '' ? undefined : modelName.safeParse(model).error?.issues[0]?.message;
  const save = useMutation({
    mutationFn: () =>
      call(routes.projects.patch, {
        params: { id: project.id },
        body: {
          name: name.trim(),
          description: description.trim(),
          defaults: {
            model: model.trim() === '' ? null : model.trim(),
            permissionMode: mode === siteMode ? null : mode,
          },
        },
      }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: projectsKey });
      void queries.invalidateQueries({ queryKey: sessionsKey });
      toast.success('Saved.');
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrongModel === undefined && name.trim() !== '') save.mutate();
      }}
    >
      <InputField
        label="Name"
        value={name}
        maxLength={120}
        autoComplete="off"
        error={name.trim() === '' ? 'Enter a name.' : undefined}
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
      <div className="grid gap-4 sm:grid-cols-2">
        <SelectField
          label="New sessions begin in"
          value={mode}
          choices={modes}
          onChange={setMode}
          hint="Whoever makes one may choose another."
        />
        {allowed.length > 0 ? (
          <SelectField
            label="and with the model"
            value={model === '' ? siteModel : model}
            choices={modelChoices(allowed)}
            onChange={(chosen) => setModel(chosen === siteModel ? '' : chosen)}
          />
        ) : (
          <InputField
            label="and with the model"
            aside="optional"
            value={model}
            error={wrongModel}
            autoComplete="off"
            spellCheck={false}
            placeholder="The site’s default"
            onChange={(event) => setModel(event.target.value)}
          />
        )}
      </div>
      {save.error !== null && (
        <Notice tone="danger" role="alert">
          {sentenceOf(save.error)}
        </Notice>
      )}
      <div>
        <Button type="submit" variant="primary" busy={save.isPending} disabled={name.trim() === ''}>
          Save
        </Button>
      </div>
    </form>
  );
};
