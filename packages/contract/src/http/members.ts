/** With whom a session is shared. */
import { z } from 'zod';

import { userId } from '../ids.js';
import { member, memberRole } from '../model/member.js';
import { author, email } from '../model/user.js';
import { defineRoute } from './route.js';
import { done, sessionParams } from './shared.js';

const mine = ['unauthenticated', 'forbidden', 'not_found'] as const;
const params = sessionParams.extend({ userId });

export const memberRoutes = {
  list: defineRoute({
    id: 'members.list',
    method: 'GET',
    path: '/sessions/:id/members',
    summary:
      'The owner, and everyone with whom the session itself is shared, in the order of joining. E-mail addresses are for who may share it.',
    permission: 'session.chat.read',
    params: sessionParams,
    responses: { 200: z.object({ owner: author, items: z.array(member) }) },
    errors: mine,
  }),
  add: defineRoute({
    id: 'members.add',
    method: 'POST',
    path: '/sessions/:id/members',
    summary:
      'Share the session with a person who has an account here, by e-mail address. Refused too often, it has to wait.',
    permission: 'session.share',
    params: sessionParams,
    body: z.strictObject({ email, role: memberRole }),
    responses: { 201: member },
    errors: [...mine, 'conflict'],
    audit: 'members.add',
  }),
  put: defineRoute({
    id: 'members.put',
    method: 'PUT',
    path: '/sessions/:id/members/:userId',
    summary: 'Change the role of a person who is in the session.',
    permission: 'session.share',
    params,
    body: z.strictObject({ role: memberRole }),
    responses: { 200: member },
    errors: mine,
    audit: 'members.put',
  }),
  remove: defineRoute({
    id: 'members.delete',
    method: 'DELETE',
    path: '/sessions/:id/members/:userId',
    summary: 'Take a person out of the session; their open pages of it close. Of one who is not in it: nothing.',
    permission: 'session.share',
    params,
    responses: { 200: done },
    errors: mine,
    audit: 'members.delete',
  }),
  leave: defineRoute({
    id: 'members.leave',
    method: 'POST',
    path: '/sessions/:id/leave',
    summary: 'Leave a session that somebody shares with you; your open pages of it close.',
    permission: 'session.leave',
    params: sessionParams,
    responses: { 200: done },
    errors: mine,
    audit: 'members.leave',
  }),
} as const;
