'use client';
/** Where model calls go: a key, or the demo. The key goes one way; what comes back is its last four characters. */
import { useState, type ReactNode } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { CircleCheck, CircleX, KeyRound } from 'lucide-react';
import { routes, type ModelSettings } from '@remote-claude/contract';

import { call, sentenceOf } from '../../lib/client';
import { aboutKey, modelKey } from '../../lib/queries';
import { Button } from '../../ui/button';
import { InputField } from '../../ui/field';
import { Notice } from '../../ui/notice';

type Change = { use: 'key'; apiKey: string; baseUrl?: string; model?: string } | { use: 'demo' } | { use: 'none' };

const words: Record<ModelSettings['source'], string> = {
  configuration: 'A key from the server’s configuration is in use.',
  page: 'A key that was entered here is in use.',
  demo: 'The demo model is in use: answers come from a script.',
  none: 'No key is set, so Claude cannot answer yet.',
};

const Current = ({ settings, test }: { settings: ModelSettings; test: ReactNode }) => (
  <div className="rounded-lg border border-line bg-surface px-3.5 py-3">
    <div className="flex items-start gap-3">
      <KeyRound size={16} className="mt-0.5 shrink-0 text-muted" aria-hidden />
      <div className="min-w-0 flex-1">
        <p>{words[settings.source]}</p>
        <p className="mt-0.5 text-xs break-words text-muted">
          {settings.keyHint !== null && (
            <>
              Key ends in <code>{settings.keyHint}</code>
              {' · '}
            </>
          )}
          {settings.source === 'demo' ? (
            'No call leaves this server.'
          ) : (
            <>
              Calls go to <span className="font-mono">{settings.baseUrl}</span>
            </>
          )}
          {settings.source !== 'demo' && settings.model !== null && (
            <>
              {' · '}model <span className="font-mono">{settings.model}</span>
            </>
          )}
        </p>
      </div>
    </div>
    {test}
  </div>
);

const TestButton = ({ disabled }: { disabled: boolean }) => {
  const test = useMutation({ mutationFn: () => call(routes.settings.testModel, {}) });
  const good = test.data?.ok === true;
  return (
    <div className="mt-3 flex flex-wrap items-center gap-3 border-t border-line pt-3">
      <Button size="sm" busy={test.isPending} disabled={disabled} onClick={() => test.mutate()}>
        Test the connection
      </Button>
      <p role="status" className="flex min-w-0 items-start gap-1.5">
        {test.data !== undefined && (
          <>
            {good ? (
              <CircleCheck size={16} className="mt-0.5 shrink-0 text-ok" aria-hidden />
            ) : (
              <CircleX size={16} className="mt-0.5 shrink-0 text-danger" aria-hidden />
            )}
            <span className={good ? 'text-ok' : 'text-danger'}>{test.data.message}</span>
          </>
        )}
        {test.error !== null && <span className="text-danger">{sentenceOf(test.error)}</span>}
      </p>
    </div>
  );
};

interface KeyFormProps {
  busy: boolean;
  onSave: (change: Change) => void;
  more?: ReactNode;
}

const KeyForm = ({ busy, onSave, more }: KeyFormProps) => {
  const [apiKey, setApiKey] = useState('');
  const [baseUrl, setBaseUrl] = useState('');
  const [model, setModel] = useState('');
  const [advanced, setAdvanced] = useState(false);
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (apiKey.trim().length < 8) {
          setWrong('Enter the whole key.');
          return;
        }
        setWrong(undefined);
        onSave({
          use: 'key',
          apiKey: apiKey.trim(),
          ...(baseUrl.trim() === '' ? {} : { baseUrl: baseUrl.trim() }),
          ...(model.trim() === '' ? {} : { model: model.trim() }),
        });
        setApiKey('');
      }}
    >
      <InputField
        label="API key"
        type="password"
        autoComplete="off"
        spellCheck={false}
        value={apiKey}
        error={wrong}
        onChange={(event) => setApiKey(event.target.value)}
        className="font-mono"
        placeholder="sk-…"
      />
      {advanced ? (
        <>
          <InputField
            label="Address of the API"
            aside="optional"
            value={baseUrl}
            onChange={(event) => setBaseUrl(event.target.value)}
            placeholder="https://gateway.example.org"
            hint="For a compatible gateway of your own."
            inputMode="url"
            spellCheck={false}
          />
          <InputField
            label="Default model"
            aside="optional"
            value={model}
            onChange={(event) => setModel(event.target.value)}
            spellCheck={false}
          />
        </>
      ) : (
        <Button variant="quiet" size="sm" className="self-start" onClick={() => setAdvanced(true)}>
          Use a gateway or another default model
        </Button>
      )}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" busy={busy}>
          Save the key
        </Button>
        {more}
      </div>
    </form>
  );
};

interface ModelFormProps {
  /** In the set-up: what comes after. */
  onDone?: (() => void) | undefined;
}

export const ModelForm = ({ onDone }: ModelFormProps) => {
  const queries = useQueryClient();
  const { data, error, isPending } = useQuery({
    queryKey: modelKey,
    queryFn: () => call(routes.settings.getModel, {}),
  });
  const save = useMutation({
    mutationFn: (body: Change) => call(routes.settings.putModel, { body }),
    onSuccess: (settings, change) => {
      queries.setQueryData(modelKey, settings);
      void queries.invalidateQueries({ queryKey: aboutKey });
      if (change.use === 'demo') onDone?.();
    },
  });
  if (isPending) return <div className="skeleton h-16 rounded-lg!" aria-busy="true" />;
  if (data === undefined) {
    return (
      <Notice tone="danger" role="alert">
        {sentenceOf(error)}
      </Notice>
    );
  }
  const set = data.source !== 'none';
  return (
    <div className="flex flex-col gap-5">
      <Current
        settings={data}
        test={set ? <TestButton key={`${data.source}${data.keyHint ?? ''}`} disabled={save.isPending} /> : null}
      />
      {data.fixed ? (
        <p className="text-muted">The configuration file sets the key, so it is changed there.</p>
      ) : (
        <KeyForm
          busy={save.isPending && save.variables.use === 'key'}
          onSave={(change) => save.mutate(change)}
          more={
            data.source !== 'demo' && (
              <Button
                busy={save.isPending && save.variables.use === 'demo'}
                onClick={() => save.mutate({ use: 'demo' })}
              >
                Try it with the demo model
              </Button>
            )
          }
        />
      )}
      {save.error !== null && (
        <Notice tone="danger" role="alert">
          {sentenceOf(save.error)}
        </Notice>
      )}
      {onDone !== undefined && (
        <div className="flex gap-2 border-t border-line pt-5">
          {/* What is no button yet lines up with the text above it. */}
          <Button variant={set ? 'primary' : 'ghost'} className={set ? undefined : '-ml-3'} onClick={onDone}>
            {set ? 'Continue' : 'Do this later'}
          </Button>
        </div>
      )}
    </div>
  );
};
