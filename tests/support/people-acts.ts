// What the walk of all routes does with people: adding one to the site, and to a session and out of it. It checks nobody's rights.

import { routes, type SessionId } from '@remote-claude/contract';
import { expect } from 'vitest';

import { bearer } from './calls.js';
import { signIn, type Person } from './people.js';
import type { Product } from './product.js';

export const fay = { name: 'Fay', email: 'fay@example.org', password: 'a password for Fay' };

/** `found` is where the one who was added is kept. */
export const peopleActs = (found: { userId: string }) => ({
  'users.list': { as: 'admin' as const, status: 200 },
  'users.create': {
    as: 'admin' as const,
    status: 201,
    call: () => ({ body: fay }),
    check: ({ id }: { id: string }) => void (found.userId = id),
  },
  'users.patch': {
    as: 'admin' as const,
    status: 200,
    call: () => ({ params: { id: found.userId }, body: { name: 'Fay Again' } }),
    check: (body: unknown) => expect(body).toMatchObject({ name: 'Fay Again' }),
  },
});

export const memberActs = (around: () => { product: Product; owner: Person; sessionId: SessionId; userId: string }) => {
  let token = '';
  const as = 'owner' as const;
  const session = () => ({ params: { id: around().sessionId } });
  const member = () => ({ params: { id: around().sessionId, userId: around().userId } });
  return {
    'members.add': {
      as,
      status: 201,
      call: () => ({ ...session(), body: { email: fay.email, role: 'viewer' } }),
      check: (body: unknown) => expect(body).toMatchObject({ userId: around().userId, role: 'viewer' }),
    },
    'members.put': {
      as,
      status: 200,
      call: () => ({ ...member(), body: { role: 'editor' } }),
      check: (body: unknown) => expect(body).toMatchObject({ userId: around().userId, role: 'editor' }),
    },
    'members.list': {
      as,
      status: 200,
      call: session,
      check: (body: unknown) =>
        expect(body).toMatchObject({ owner: { name: 'Bob' }, items: [{ email: fay.email, role: 'editor' }] }),
    },
    'members.delete': { as, status: 200, call: member },
    'members.leave': {
      as,
      status: 200,
      /** Their own act: shared with them again first. */
      after: async () => {
        const { product, owner, sessionId: id } = around();
        await owner.client.call(routes.members.add, { params: { id }, body: { email: fay.email, role: 'viewer' } });
        ({ token } = await signIn(product, fay.email, fay.password));
      },
      call: () => ({ ...session(), headers: bearer(token) }),
      check: async () => {
        const { owner, sessionId: id } = around();
        expect((await owner.client.call(routes.members.list, { params: { id } })).items).toEqual([]);
      },
    },
  };
};
