'use client';
/** All projects that one is in. */
import Link from 'next/link';
import { FolderKanban } from 'lucide-react';

import { sentenceOf } from '../../lib/client';
import { useProjects } from '../../lib/queries';
import { Notice } from '../../ui/notice';
import { roleWord, sizeWords } from './words';

export const ProjectList = () => {
  const { data, error } = useProjects();
  if (data === undefined && error !== null) {
    return (
      <Notice tone="danger" role="alert">
        {sentenceOf(error)}
      </Notice>
    );
  }
  if (data === undefined) return <div className="skeleton h-28 rounded-lg!" aria-busy="true" />;
  return (
    <>
      <ul
        aria-label="Projects"
        className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface"
      >
        {data.map((project) => (
          <li key={project.id} className="relative flex items-center gap-3 px-4 py-2.5 hover:bg-hover">
            <FolderKanban size={16} className="shrink-0 text-muted" aria-hidden />
            <div className="min-w-0 flex-1">
              <Link
                href={`/projects?id=${project.id}`}
                className="target block truncate font-medium after:absolute after:inset-0"
              >
                {project.name}
              </Link>
              <p className="truncate text-xs text-muted">
                {project.description !== '' ? project.description : project.isPersonal ? 'Yours alone' : ''}
              </p>
            </div>
            <span className="shrink-0 text-xs text-muted max-sm:hidden">{sizeWords(project)}</span>
            <span className="w-14 shrink-0 text-right text-xs text-faint">{roleWord(project.role)}</span>
          </li>
        ))}
      </ul>
      {data.length === 1 && (
        <p className="mt-3 text-muted">
          Sessions that name no project are in your personal one. Make another for what you do together with others.
        </p>
      )}
    </>
  );
};
