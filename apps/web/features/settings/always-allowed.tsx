'use client';
/** What this person always allows, and the way to be asked again. */
import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { routes, type StoredRule } from '@remote-claude/contract';
import { toast } from 'sonner';

import { call, isCode, sentenceOf } from '../../lib/client';
import { rulesKey, useApprovalRules } from '../../lib/queries';
import { exactTime } from '../../lib/time';
import { Button } from '../../ui/button';
import { Notice } from '../../ui/notice';

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

const Row = ({ stored: { id, rule, words, createdAt } }: { stored: StoredRule }) => {
  const queries = useQueryClient();
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
        void queries.invalidateQueries({ queryKey: rulesKey });
      });
  };
  return (
    <li className="flex items-center gap-3 px-3.5 py-2">
      <span className="min-w-0 flex-1">
        <span className="block break-words">
          <RuleWords rule={rule} words={words} />
        </span>
        <span className="block text-xs text-muted">Since {exactTime(createdAt)}</span>
      </span>
      <Button size="sm" busy={busy} aria-label={`Ask again: ${words}`} onClick={revoke}>
        Ask again
      </Button>
    </li>
  );
};

export const AlwaysAllowed = () => {
  const { data, error } = useApprovalRules();
  if (data === undefined && error !== null) {
    return (
      <Notice tone="danger" role="alert">
        {sentenceOf(error)}
      </Notice>
    );
  }
  if (data === undefined) return <div aria-busy="true" className="skeleton h-9" />;
  if (data.length === 0) return <p className="text-muted">Nothing: Claude asks each time, or for a session.</p>;
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {data.map((stored) => (
        <Row key={stored.id} stored={stored} />
      ))}
    </ul>
  );
};
