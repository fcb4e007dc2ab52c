'use client';
/** A new session: a name and how Claude works in it; everything else has a default. */
import { useState } from 'react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { modelName, routes, setupScript, type SessionConfig, type SessionId } from '@remote-claude/contract';

import { newForm, sentenceOf } from '../../lib/client';
import { modelChoices, modelWord, siteModel } from '../../lib/models';
import { projectsKey, putSession, useAbout, useProjects } from '../../lib/queries';
import { Button } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { InputField, TextField } from '../../ui/field';
import { Notice } from '../../ui/notice';
import { SelectField } from '../../ui/select';
import { sizesOf, usualSize } from './sizes';
import { readVariables } from './variables';

type Mode = NonNullable<SessionConfig['permissionMode']>;

const modes: readonly { value: Mode; label: string; hint: string }[] = [
  { value: 'default', label: 'Manual', hint: 'Asks before it edits or runs anything.' },
  { value: 'acceptEdits', label: 'Accept edits', hint: 'Edits files by itself, asks before commands.' },
  { value: 'plan', label: 'Plan', hint: 'Reads and plans, changes nothing.' },
  { value: 'auto', label: 'Auto', hint: 'Decides by itself what is safe.' },
];

interface CreateDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onCreated: (id: SessionId) => void;
}

const Form = ({ onOpenChange, onCreated }: Omit<CreateDialogProps, 'open'>) => {
  const queries = useQueryClient();
  const [form] = useState(newForm);
  const [name, setName] = useState('');
  const [model, setModel] = useState('');
  const about = useAbout().data;
  const allowed = about?.models ?? [];
  const images = about?.images ?? null;
  const sizes = about === undefined ? [] : sizesOf(about.resources);
  const [size, setSize] = useState(usualSize);
  const chosenSize = sizes.find(({ value }) => value === size);
  const projects = (useProjects().data ?? []).filter(({ role }) => role !== 'viewer');
  const [projectId, setProjectId] = useState<string | null>(null);
  const project = projects.find(({ id }) => id === projectId) ?? projects.find(({ isPersonal }) => isPersonal);
  // What the project begins with, until something else is chosen.
  const [chosenMode, setPermissionMode] = useState<Mode | null>(null);
  const permissionMode = chosenMode ?? project?.defaults.permissionMode ?? 'default';
  const projectModel = project?.defaults.model;
  const [script, setScript] = useState('');
  const [variables, setVariables] = useState('');
  const [image, setImage] = useState('');
  const read = readVariables(variables);
  const wrongScript = script.trim() === '' ? undefined : setupScript.safeParse(script).error?.issues[0]?.message;
  const wrongModel = model.trim() === '' ? undefined : modelName.safeParse(model).error?.issues[0]?.message;
  const create = useMutation({
    mutationFn: () => {
      const body: SessionConfig = {
        permissionMode,
        ...(project === undefined || project.isPersonal ? {} : { project: project.id }),
        ...(name.trim() === '' ? {} : { name: name.trim() }),
        ...(model.trim() === '' ? {} : { model: model.trim() }),
        ...(script.trim() === '' ? {} : { setupScript: script }),
        ...(Object.keys(read.env).length === 0 ? {} : { env: read.env }),
        ...(image.trim() === '' ? {} : { image: image.trim() }),
        ...(chosenSize?.request === undefined ? {} : { resources: chosenSize.request }),
      };
      return form.call(routes.sessions.create, { body });
    },
    onSuccess: (session) => {
      putSession(queries, session);
      void queries.invalidateQueries({ queryKey: projectsKey });
      onOpenChange(false);
      onCreated(session.id);
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrongModel === undefined && wrongScript === undefined && read.problem === null) create.mutate();
      }}
    >
      <InputField
        label="Name"
        aside="optional"
        value={name}
        maxLength={120}
        data-autofocus
        autoComplete="off"
        placeholder="What is it about?"
        onChange={(event) => setName(event.target.value)}
      />
      {project !== undefined && projects.length > 1 && (
        <SelectField
          label="Project"
          value={project.id}
          choices={projects.map(({ id, name: label }) => ({ value: id as string, label }))}
          onChange={setProjectId}
          hint={project.isPersonal ? 'Yours alone.' : `Everyone in “${project.name}” is in the session too.`}
        />
      )}
      <SelectField
        label="Permission mode"
        value={permissionMode}
        choices={modes}
        onChange={setPermissionMode}
        hint={modes.find(({ value }) => value === permissionMode)?.hint}
      />
      {allowed.length > 0 ? (
        <SelectField
          label="Model"
          value={model === '' ? siteModel : model}
          choices={modelChoices(allowed).map((choice) =>
            choice.value === siteModel && projectModel !== undefined
              ? { ...choice, label: modelWord(projectModel), hint: 'What the project sets.' }
              : choice,
          )}
          onChange={(chosen) => setModel(chosen === siteModel ? '' : chosen)}
        />
      ) : (
        <InputField
          label="Model"
          aside="optional"
          value={model}
          error={wrongModel}
          autoComplete="off"
          spellCheck={false}
          placeholder={projectModel === undefined ? 'The site’s default' : `The project’s: ${projectModel}`}
          onChange={(event) => setModel(event.target.value)}
        />
      )}
      {sizes.length > 1 && (
        <SelectField label="Size" value={size} choices={sizes} onChange={setSize} hint={chosenSize?.hint} />
      )}
      <details className="group" open={read.problem !== null || wrongScript !== undefined || undefined}>
        <summary className="target cursor-pointer font-medium text-muted hover:text-text">Set-up</summary>
        <div className="mt-3 flex flex-col gap-4">
          <TextField
            label="Set-up script"
            aside="optional, bash"
            rows={4}
            value={script}
            error={wrongScript}
            spellCheck={false}
            placeholder="npm ci"
            hint="Runs once in the work tree, before the first message."
            onChange={(event) => setScript(event.target.value)}
          />
          <TextField
            label="Variables"
            aside="optional, NAME=value, a line each"
            rows={2}
            value={variables}
            error={read.problem ?? undefined}
            spellCheck={false}
            onChange={(event) => setVariables(event.target.value)}
          />
          {images !== null && images.allowed.length > 0 && (
            <InputField
              label="Image"
              aside="optional"
              value={image}
              placeholder={images.usual}
              autoComplete="off"
              spellCheck={false}
              hint={`Allowed: ${images.allowed.join(', ')}`}
              onChange={(event) => setImage(event.target.value)}
            />
          )}
        </div>
      </details>
      {create.error !== null && (
        <Notice tone="danger" role="alert">
          {sentenceOf(create.error)}
        </Notice>
      )}
      <DialogButtons>
        <Button onClick={() => onOpenChange(false)}>Cancel</Button>
        <Button type="submit" variant="primary" busy={create.isPending}>
          Create session
        </Button>
      </DialogButtons>
    </form>
  );
};

export const CreateDialog = ({ open, onOpenChange, onCreated }: CreateDialogProps) => (
  <Dialog
    open={open}
    onOpenChange={onOpenChange}
    title="New session"
    description="Its own folder, its own Claude, apart from all others. It starts as soon as there is room."
  >
    <Form onOpenChange={onOpenChange} onCreated={onCreated} />
  </Dialog>
);
