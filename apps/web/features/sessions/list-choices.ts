'use client';
/** Which project's sessions are listed, and how they are grouped: the one is forgotten with the page, the other remembered. */
import { useState } from 'react';
import type { Session } from '@remote-claude/contract';

import { recall, remember } from '../../lib/storage';
import { projectTitle, type Grouping } from './group-sessions';

/** Stands for no one project. */
export const everyProject = 'all';
const groupingKey = 'sessions.grouping';

/** Only projects that have a session in the list can be chosen. */
export const useListChoices = (sessions: readonly Session[]) => {
  const [grouping, setGrouping] = useState<Grouping>(() => (recall(groupingKey) === 'project' ? 'project' : 'status'));
  const [chosen, setProject] = useState(everyProject);
  const projects = [...new Map(sessions.map((one) => [one.project.id as string, projectTitle(one)]))]
    .map(([value, label]) => ({ value, label }))
    .toSorted((a, b) => a.label.localeCompare(b.label));
  return {
    projects,
    project: projects.some(({ value }) => value === chosen) ? chosen : everyProject,
    setProject,
    grouping: projects.length > 1 ? grouping : 'status',
    setGrouping(next: Grouping) {
      setGrouping(next);
      remember(groupingKey, next);
    },
  } as const;
};
