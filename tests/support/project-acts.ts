// What the walk of all routes does with projects. It checks nobody's rights.

import { routes } from '@remote-claude/contract';
import { expect } from 'vitest';

import { bearer } from './calls.js';
import { signIn, type Person } from './people.js';
import { fay } from './people-acts.js';
import type { Product } from './product.js';

/** `found` has the project of Bob's, and the person who is brought in and taken out. */
export const projectActs = (found: { projectId: string; userId: string }, around: () => { product: Product }) => {
  const as = 'owner' as const;
  const project = () => ({ params: { id: found.projectId } });
  const member = () => ({ params: { id: found.projectId, userId: found.userId } });
  let spareId = '';
  let away: Person;
  return {
    'projects.create': {
      as,
      status: 201,
      call: () => ({ body: { name: 'Spare', defaults: { permissionMode: 'plan' } } }),
      check: ({ id }: { id: string }) => void (spareId = id),
    },
    'projects.list': {
      as,
      status: 200,
      check: (body: unknown) =>
        expect(body).toMatchObject({ items: [{ name: 'Personal' }, { id: found.projectId }, { id: spareId }] }),
    },
    'projects.get': {
      as,
      status: 200,
      call: project,
      check: (body: unknown) => expect(body).toMatchObject({ people: 1 }),
    },
    'projects.patch': {
      as,
      status: 200,
      call: () => ({ ...project(), body: { description: 'What Bob does' } }),
      check: (body: unknown) => expect(body).toMatchObject({ description: 'What Bob does' }),
    },
    'projects.members.add': {
      as,
      status: 201,
      call: () => ({ ...project(), body: { email: fay.email, role: 'viewer' } }),
      check: (body: unknown) => expect(body).toMatchObject({ userId: found.userId, role: 'viewer' }),
    },
    'projects.members.put': { as, status: 200, call: () => ({ ...member(), body: { role: 'editor' } }) },
    'projects.members.list': {
      as,
      status: 200,
      call: project,
      check: (body: unknown) => expect(body).toMatchObject({ items: [{ role: 'owner' }, { email: fay.email }] }),
    },
    'projects.rules.list': { as, status: 200, call: project },
    'projects.leave': {
      as,
      status: 200,
      /** Their own act. */
      after: async () => void (away = await signIn(around().product, fay.email, fay.password)),
      call: () => ({ ...project(), headers: bearer(away.token) }),
      check: async () => {
        const { items } = await away.client.call(routes.projects.list, {});
        expect(items.map(({ name }) => name)).toEqual(['Personal']);
      },
    },
    'projects.members.delete': { as, status: 200, call: member },
    'projects.delete': {
      as,
      status: 200,
      call: () => ({ params: { id: spareId } }),
      check: (body: unknown) => expect(body).toMatchObject({ archivedAt: expect.any(String) as string }),
    },
  };
};
