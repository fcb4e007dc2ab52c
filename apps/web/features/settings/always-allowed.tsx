'use client';
/** What this person always allows, and what is allowed in projects of theirs. */
import { useQueryClient } from '@tanstack/react-query';

import { sentenceOf } from '../../lib/client';
import { rulesKey, useApprovalRules } from '../../lib/queries';
import { Notice } from '../../ui/notice';
import { RuleList } from '../../ui/rule-list';

export const AlwaysAllowed = () => {
  const queries = useQueryClient();
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
    <RuleList
      rules={data}
      noteOf={({ project }) => (project === null ? 'In all of your sessions,' : `In the project “${project.name}”,`)}
      mayRevoke
      onRevoked={() => void queries.invalidateQueries({ queryKey: rulesKey })}
    />
  );
};
