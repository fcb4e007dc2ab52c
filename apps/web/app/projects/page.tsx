'use client';
import { Suspense, useState } from 'react';
import Link from 'next/link';
import { useRouter, useSearchParams } from 'next/navigation';
import { ArrowLeft, Plus } from 'lucide-react';
import type { Project } from '@remote-claude/contract';

import { CreateProjectDialog } from '../../features/projects/create-project';
import { ProjectEnds } from '../../features/projects/project-ends';
import { ProjectForm } from '../../features/projects/project-form';
import { ProjectList } from '../../features/projects/project-list';
import { ProjectPeople } from '../../features/projects/project-people';
import { ProjectRules } from '../../features/projects/project-rules';
import { usePageTitle } from '../../features/shell/page-title';
import { PlainPage, Section } from '../../features/shell/plain-page';
import { useProjects } from '../../lib/queries';
import { Button } from '../../ui/button';
import { Notice } from '../../ui/notice';
import { HeaderStart } from '../frame';

const OneProject = ({ project, onGone }: { project: Project; onGone: () => void }) => {
  const isOwner = project.role === 'owner';
  return (
    <>
      {isOwner ? (
        <Section title="Project">
          <ProjectForm key={project.id} project={project} />
        </Section>
      ) : (
        project.description !== '' && <p className="border-b border-line pb-7">{project.description}</p>
      )}
      {!project.isPersonal && (
        <Section title="People" lead="They have in all of its sessions the part that they have here.">
          <ProjectPeople project={project} mayManage={isOwner} />
        </Section>
      )}
      <Section
        title="Always allowed here"
        lead="What Claude may do in all sessions of this project without asking. Each stands for exactly what its words say."
      >
        <ProjectRules project={project} mayRevoke={isOwner} />
      </Section>
      {!project.isPersonal && (isOwner || project.people > 1) && (
        <Section
          title="The end of it"
          lead={
            isOwner
              ? 'It can be archived once all of its sessions are terminated.'
              : 'Who leaves has no part in its sessions any more.'
          }
        >
          <ProjectEnds project={project} onGone={onGone} />
        </Section>
      )}
    </>
  );
};

const Content = () => {
  const router = useRouter();
  const id = useSearchParams().get('id');
  const { data } = useProjects();
  const [creating, setCreating] = useState(false);
  const project = id === null ? undefined : data?.find((one) => one.id === id);
  usePageTitle(project?.name ?? 'Projects', 0, null);
  const open = (next: string): void => router.push(`/projects?id=${next}`);
  return (
    <PlainPage
      title={project?.name ?? 'Projects'}
      start={<HeaderStart />}
      action={
        id === null && (
          <Button variant="primary" icon={<Plus size={14} aria-hidden />} onClick={() => setCreating(true)}>
            New project
          </Button>
        )
      }
    >
      {id === null ? (
        <ProjectList />
      ) : (
        <>
          <Link
            href="/projects"
            className="target mb-5 inline-flex items-center gap-1.5 rounded-md text-xs text-accent-text hover:underline"
          >
            <ArrowLeft size={14} aria-hidden />
            All projects
          </Link>
          {project !== undefined && <OneProject project={project} onGone={() => router.push('/projects')} />}
          {project === undefined && data !== undefined && (
            <Notice>There is no such project, it is archived, or you are not in it.</Notice>
          )}
          {data === undefined && <div className="skeleton h-40 rounded-lg!" aria-busy="true" />}
        </>
      )}
      {creating && <CreateProjectDialog onClose={() => setCreating(false)} onCreated={open} />}
    </PlainPage>
  );
};

export default function ProjectsPage() {
  return (
    <Suspense>
      <Content />
    </Suspense>
  );
}
