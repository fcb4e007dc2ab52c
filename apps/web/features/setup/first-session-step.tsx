'use client';
/** The first session, from an example or empty. */
import { useState } from 'react';
import { ArrowRight } from 'lucide-react';
import { routes, type SessionId } from '@remote-claude/contract';

import { newForm, sentenceOf } from '../../lib/client';
import { draftKey, remember } from '../../lib/storage';
import { Button } from '../../ui/button';
import { Notice } from '../../ui/notice';

const examples = [
  { name: 'A small program', prompt: 'Write a small command-line program, run it, and fix what fails.' },
  { name: 'A web page', prompt: 'Make a plan for a to-do list web page, then build it in one file.' },
  { name: 'Look around', prompt: 'Look around in this session: what tools are installed, and what can you do here?' },
];

export const FirstSessionStep = ({ onCreated, onSkip }: { onCreated: (id: SessionId) => void; onSkip: () => void }) => {
  const [form] = useState(newForm);
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const create = async (name: string, prompt: string): Promise<void> => {
    setBusy(name);
    setError(null);
    try {
      const session = await form.call(routes.sessions.create, { body: { name } });
      // It stands in the composer, to be read and sent by the person.
      remember(draftKey(session.userId, session.id), prompt);
      onCreated(session.id);
    } catch (thrown) {
      setError(sentenceOf(thrown));
      setBusy(null);
    }
  };
  return (
    <div>
      <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
        {examples.map(({ name, prompt }) => (
          <li key={name}>
            <button
              type="button"
              disabled={busy !== null}
              onClick={() => void create(name, prompt)}
              className="target group flex w-full items-center gap-3 px-4 py-3 text-left hover:bg-hover disabled:opacity-60"
            >
              <span className="min-w-0 flex-1">
                <span className="block font-medium">{name}</span>
                <span className="block text-muted">{prompt}</span>
              </span>
              <ArrowRight
                size={16}
                className="shrink-0 text-faint transition-transform duration-100 group-hover:translate-x-0.5"
                aria-hidden
              />
            </button>
          </li>
        ))}
      </ul>
      {error !== null && (
        <div className="mt-4">
          <Notice tone="danger" role="alert">
            {error}
          </Notice>
        </div>
      )}
      <div className="mt-5 flex gap-2">
        <Button
          busy={busy === 'First session'}
          disabled={busy !== null}
          onClick={() => void create('First session', '')}
        >
          Start an empty session
        </Button>
        <Button variant="ghost" onClick={onSkip}>
          Later
        </Button>
      </div>
    </div>
  );
};
