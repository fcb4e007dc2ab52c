'use client';
/** What Claude may do in all sessions of a project without asking. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { routes, type Project } from '@remote-claude/contract';

import { call, sentenceOf } from '../../lib/client';
import { projectRulesKey, rulesKey } from '../../lib/queries';
import { Notice } from '../../ui/notice';
import { RuleList } from '../../ui/rule-list';

export const ProjectRules = ({ project, mayRevoke }: { project: Project; mayRevoke: boolean }) => {
  const queries = useQueryClient();
  const key = projectRulesKey(project.id);
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: async () => (await call(routes.projects.rules, { params: { id: project.id } })).items,
  });
  if (data === undefined && error !== null) {
    return (
      <Notice tone="danger" role="alert">
        {sentenceOf(error)}
      </Notice>
    );
  }
  if (data === undefined) return <div aria-busy="true" className="skeleton h-9" />;
  if (data.length === 0)
    return (
      <p className="text-muted">Nothing yet. An owner allows it with “Always for this project” when Claude asks.</p>
    );
  return (
    <RuleList
      rules={data}
      noteOf={({ by }) => `By ${by.name},`}
      mayRevoke={mayRevoke}
      onRevoked={() => {
        void queries.invalidateQueries({ queryKey: rulesKey });
        void queries.invalidateQueries({ queryKey: key });
      }}
    />
  );
};
