'use client';
/** Permission mode, model and effort of the running session. */
import { useState } from 'react';
import { ChevronDown, Cpu, ShieldCheck } from 'lucide-react';
import { modelName } from '@remote-claude/contract';

import { modelChoices, modelWord, siteModel } from '../../lib/models';
import { useAbout } from '../../lib/queries';
import { useSession, useSessionView } from '../../lib/session-context';
import { Button } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { InputField } from '../../ui/field';
import { Menu, MenuChoices, MenuItem, MenuLine } from '../../ui/menu';
import { effortChoices, modeChoices, modeWord, siteEffort } from './options';

const face = 'min-w-0! max-w-44 shrink! px-2! text-xs! font-normal! max-sm:max-w-30';

export const ModePicker = () => {
  const { command } = useSession();
  const mode = useSessionView(({ log }) => log.state.claude.permissionMode);
  return (
    <Menu
      align="start"
      side="top"
      trigger={
        <Button
          size="sm"
          variant="ghost"
          className={face}
          icon={<ShieldCheck size={14} aria-hidden />}
          aria-label={`Permission mode: ${modeWord(mode)}`}
        >
          <span className="truncate">{modeWord(mode)}</span>
          <ChevronDown size={12} className="text-faint max-sm:hidden" aria-hidden />
        </Button>
      }
    >
      <MenuChoices
        label="Permission mode"
        value={mode}
        choices={modeChoices}
        onChoose={(permissionMode) =>
          permissionMode !== 'bypassPermissions' && command('configure', { permissionMode })
        }
      />
    </Menu>
  );
};

const OtherModel = ({
  open,
  onOpenChange,
  onChoose,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onChoose: (model: string) => void;
}) => {
  const [name, setName] = useState('');
  const [error, setError] = useState<string | undefined>(undefined);
  const submit = (): void => {
    const parsed = modelName.safeParse(name);
    if (!parsed.success) {
      setError(parsed.error.issues[0]?.message ?? 'This is not a model name.');
      return;
    }
    onChoose(parsed.data);
    onOpenChange(false);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Another model"
      width="sm"
      description="It is used from the next model call on."
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <InputField
          label="Model name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          error={error}
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          className="font-mono"
        />
        <DialogButtons>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button type="submit" variant="primary">
            Use this model
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
};

export const ModelPicker = () => {
  const { command } = useSession();
  const model = useSessionView(({ log }) => log.state.claude.model);
  const effort = useSessionView(({ log }) => log.state.claude.effort);
  const [other, setOther] = useState(false);
  const about = useAbout().data;
  const allowed = about?.models ?? [];
  // Whatever is chosen, the script answers.
  const word = about?.demo === true ? 'Demo model' : modelWord(model);
  const listed = modelChoices(allowed);
  const known = model === null || listed.some(({ value }) => value === model);
  const choices = known ? listed : [...listed, { value: model, label: model }];
  return (
    <>
      <Menu
        align="start"
        side="top"
        trigger={
          <Button
            size="sm"
            variant="ghost"
            className={face}
            icon={<Cpu size={14} aria-hidden />}
            aria-label={`Model: ${word}`}
          >
            <span className="truncate">{word}</span>
            <ChevronDown size={12} className="text-faint max-sm:hidden" aria-hidden />
          </Button>
        }
      >
        <MenuChoices
          label="Model"
          value={model ?? siteModel}
          choices={choices}
          onChoose={(chosen) => command('configure', { model: chosen === siteModel ? null : chosen })}
        />
        {allowed.length === 0 && <MenuItem onSelect={() => setOther(true)}>Another model…</MenuItem>}
        <MenuLine />
        <MenuChoices
          label="Effort"
          value={effort ?? siteEffort}
          choices={effortChoices}
          onChoose={(chosen) => command('configure', { effort: chosen === siteEffort ? null : chosen })}
        />
      </Menu>
      {other && (
        <OtherModel
          open={other}
          onOpenChange={setOther}
          onChoose={(chosen) => command('configure', { model: chosen })}
        />
      )}
    </>
  );
};
