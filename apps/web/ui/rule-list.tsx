'use client';
/** What Claude may do without asking, and the way to be asked again. It does not know whose rules they are. */
import { useState } from 'react';
import { routes, type StoredRule } from '@remote-claude/contract';
import { toast } from 'sonner';

import { call, isCode, sentenceOf } from '../lib/client';
import { exactTime } from '../lib/time';
import { Button } from './button';

/** The words of a rule, with what is taken letter by letter in the type of code. */
const RuleWords = ({ rule, words }: Pick<StoredRule, 'rule' | 'words'>) => {
  const subject = 'command' in rule ? rule.command : 'host' in rule ? rule.host : 'tool' in rule ? rule.tool : null;
  if (subject === null || !words.endsWith(subject)) return words;
  return (
    <>
      {words.slice(0, -subject.length)}
      <code className="font-mono text-xs whitespace-pre-wrap">{subject}</code>
    </>
  );
};

interface RowProps {
  stored: StoredRule;
  note: string;
  mayRevoke: boolean;
  onRevoked: () => void;
}

const Row = ({ stored: { id, rule, words, createdAt }, note, mayRevoke, onRevoked }: RowProps) => {
  const [busy, setBusy] = useState(false);
  const revoke = (): void => {
    setBusy(true);
    call(routes.claude.revokeRule, { params: { ruleId: id } })
      .catch((thrown: unknown) => {
        // It is gone already: that is what was wanted.
        if (!isCode(thrown, 'not_found')) toast.error(`It is still allowed. ${sentenceOf(thrown)}`);
      })
      .finally(() => {
        setBusy(false);
        onRevoked();
      });
  };
  return (
    <li className="flex items-center gap-3 px-3.5 py-2">
      <span className="min-w-0 flex-1">
        <span className="block break-words">
          <RuleWords rule={rule} words={words} />
        </span>
        <span className="block text-xs break-words text-muted">
          {note} since {exactTime(createdAt)}
        </span>
      </span>
      {mayRevoke && (
        <Button size="sm" busy={busy} aria-label={`Ask again: ${words}`} onClick={revoke}>
          Ask again
        </Button>
      )}
    </li>
  );
};

interface RuleListProps {
  rules: readonly StoredRule[];
  /** Stands before "since …". */
  noteOf: (rule: StoredRule) => string;
  mayRevoke: boolean;
  onRevoked: () => void;
}

export const RuleList = ({ rules, noteOf, ...rest }: RuleListProps) => (
  <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
    {rules.map((stored) => (
      <Row key={stored.id} stored={stored} note={noteOf(stored)} {...rest} />
    ))}
  </ul>
);
