'use client';
/** Leaving a project, and archiving it; both ask first. */
import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Archive, LogOut } from 'lucide-react';
import { routes, type Project } from '@remote-claude/contract';

import { call } from '../../lib/client';
import { projectsKey, sessionsKey } from '../../lib/queries';
import { Button } from '../../ui/button';
import { Confirm } from '../../ui/confirm';

export const ProjectEnds = ({ project, onGone }: { project: Project; onGone: () => void }) => {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<'leave' | 'archive' | null>(null);
  const params = { id: project.id };
  const gone = async (act: Promise<unknown>): Promise<void> => {
    await act;
    void queries.invalidateQueries({ queryKey: sessionsKey });
    onGone();
    await queries.invalidateQueries({ queryKey: projectsKey });
  };
  const close = (open: boolean): void => {
    if (!open) setAsked(null);
  };
  return (
    <div className="flex flex-wrap gap-2">
      {project.people > 1 && (
        <Button icon={<LogOut size={14} aria-hidden />} onClick={() => setAsked('leave')}>
          Leave…
        </Button>
      )}
      {project.role === 'owner' && (
        <Button icon={<Archive size={14} aria-hidden />} onClick={() => setAsked('archive')}>
          Archive…
        </Button>
      )}
      {asked === 'leave' && (
        <Confirm
          open
          onOpenChange={close}
          title={`Leave “${project.name}”?`}
          body="You have no part in its sessions any more. Those that are yours in it pass to its oldest owner; stop those that run first."
          action="Leave"
          dangerous
          onConfirm={() => gone(call(routes.projects.leave, { params }))}
        />
      )}
      {asked === 'archive' && (
        <Confirm
          open
          onOpenChange={close}
          title={`Archive “${project.name}”?`}
          body="No session is made in it any more. The history of its sessions stays readable for its people."
          action="Archive"
          dangerous
          onConfirm={() => gone(call(routes.projects.remove, { params }))}
        />
      )}
    </div>
  );
};
