// Which project a new session belongs to, and what it begins with there. It makes nothing.

import { AppError, type Project, type ProjectDefaults } from '@remote-claude/contract';

import type { Trx } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import { mayProject } from '../access/index.js';
import type { ProjectsStore } from './store.js';

export interface Entered {
  id: string;
  defaults: ProjectDefaults;
}

const isOpenTo = ({ role, archivedAt }: Project): boolean => mayProject(role, 'project.work') && archivedAt === null;

export const createEntering = (store: ProjectsStore) => {
  /** With a transaction the project is held until its end: neither archived, nor this person taken out of it. */
  const enter = async (actor: Actor, projectId: string | undefined, trx?: Trx): Promise<Entered> => {
    const id = projectId ?? (await store.personalOf(actor.userId, trx));
    if (trx !== undefined) await store.hold(trx, id);
    const found = await store.find(actor.userId, id, trx);
    if (found === null)
      throw new AppError('not_found', { message: 'There is no such project, or you are not in it. Nothing was made.' });
    if (found.archivedAt !== null)
      throw new AppError('conflict', { message: 'This project is archived: no session is made in it any more.' });
    if (!isOpenTo(found))
      throw new AppError('forbidden', {
        message: 'You read along in this project. One of its owners can make you an editor, who makes sessions in it.',
      });
    return { id, defaults: found.defaults };
  };

  return {
    enter,

    /** For what is made of another session: beside it where this person may make one there, else in their own. */
    async besides(trx: Trx, actor: Actor, sessionId: string): Promise<Entered> {
      const id = await store.ofSession(sessionId, trx);
      if (id !== null) await store.hold(trx, id);
      const found = id === null ? null : await store.find(actor.userId, id, trx);
      return enter(actor, found !== null && isOpenTo(found) ? found.id : undefined, trx);
    },
  };
};
export type Entering = ReturnType<typeof createEntering>;
