'use client';
/** Who is in a project: its owners add, change and take out; everyone else in it reads. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { routes, type Project, type ProjectMember } from '@remote-claude/contract';

import { call, sentenceOf } from '../../lib/client';
import { projectPeopleKey, projectsKey, sessionsKey, useMe } from '../../lib/queries';
import { IconButton } from '../../ui/button';
import { Notice } from '../../ui/notice';
import { AddPersonForm, PersonRow } from '../../ui/people';
import { SelectField } from '../../ui/select';
import { roleChoices, roleWord } from './words';

export const ProjectPeople = ({ project, mayManage }: { project: Project; mayManage: boolean }) => {
  const queries = useQueryClient();
  const me = useMe().data?.user;
  const params = { id: project.id };
  const key = projectPeopleKey(project.id);
  const people = useQuery({ queryKey: key, queryFn: () => call(routes.projects.members, { params }) });
  const change = useMutation({
    mutationFn: (act: () => Promise<unknown>) => act(),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: projectsKey });
      void queries.invalidateQueries({ queryKey: sessionsKey });
      return queries.invalidateQueries({ queryKey: key });
    },
  });
  const error = change.error ?? people.error;
  const ofMember = ({ userId }: ProjectMember) => ({ ...params, userId });
  return (
    <>
      {mayManage && (
        <AddPersonForm
          choices={roleChoices}
          usual="editor"
          action="Add"
          busy={change.isPending}
          onAdd={(who) => change.mutateAsync(() => call(routes.projects.addMember, { params, body: who }))}
        />
      )}
      {error !== null && (
        <div className="mt-3">
          <Notice tone="danger" role="alert">
            {sentenceOf(error)}
          </Notice>
        </div>
      )}
      <ul aria-label="People" className="mt-3 divide-y divide-line" aria-busy={people.isPending}>
        {people.data?.items.map((one) => (
          <PersonRow key={one.userId} name={one.name} detail={one.email ?? roleWord(one.role)}>
            {mayManage && one.userId !== me?.id ? (
              <>
                <div className="w-28 shrink-0">
                  <SelectField
                    label={`Role of ${one.name}`}
                    hideLabel
                    value={one.role}
                    choices={roleChoices}
                    onChange={(role) =>
                      change.mutate(() => call(routes.projects.putMember, { params: ofMember(one), body: { role } }))
                    }
                  />
                </div>
                <IconButton
                  label={`Take ${one.name} out`}
                  onClick={() => change.mutate(() => call(routes.projects.removeMember, { params: ofMember(one) }))}
                >
                  <X size={16} aria-hidden />
                </IconButton>
              </>
            ) : (
              <span className="shrink-0 text-xs text-muted">{one.email === null ? '' : roleWord(one.role)}</span>
            )}
          </PersonRow>
        ))}
      </ul>
    </>
  );
};
