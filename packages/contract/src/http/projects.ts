/** Projects: make, see, change, archive, and who is in one. */
import { z } from 'zod';

import { projectId, userId } from '../ids.js';
import { storedRule } from '../model/approval-rule.js';
import {
  project,
  projectDefaultsChange,
  projectDescription,
  projectMember,
  projectName,
  projectRole,
} from '../model/project.js';
import { email } from '../model/user.js';
import { defineRoute } from './route.js';
import { done, pageOf } from './shared.js';

const mine = ['unauthenticated', 'not_found'] as const;
const params = z.object({ id: projectId });
const memberParams = params.extend({ userId });

export const projectRoutes = {
  list: defineRoute({
    id: 'projects.list',
    method: 'GET',
    path: '/projects',
    summary: 'Projects that you are in, your own first, then by name. Archived ones are not among them.',
    permission: 'signed-in',
    responses: { 200: pageOf(project) },
    errors: ['unauthenticated'],
  }),
  create: defineRoute({
    id: 'projects.create',
    method: 'POST',
    path: '/projects',
    summary: 'Make a project; you are its owner.',
    permission: 'sessions.create',
    body: z.strictObject({
      name: projectName,
      description: projectDescription.optional(),
      defaults: projectDefaultsChange.optional(),
    }),
    responses: { 201: project },
    errors: ['unauthenticated', 'unsupported_option', 'conflict'],
    audit: 'projects.create',
  }),
  get: defineRoute({
    id: 'projects.get',
    method: 'GET',
    path: '/projects/:id',
    summary: 'One project, also an archived one.',
    permission: 'project.read',
    params,
    responses: { 200: project },
    errors: mine,
  }),
  patch: defineRoute({
    id: 'projects.patch',
    method: 'PATCH',
    path: '/projects/:id',
    summary: 'Change name, description, or what its sessions begin with.',
    permission: 'project.manage',
    params,
    body: z
      .strictObject({
        name: projectName.optional(),
        description: projectDescription.optional(),
        defaults: projectDefaultsChange.optional(),
      })
      .refine((change) => Object.keys(change).length > 0, 'Say what to change.'),
    responses: { 200: project },
    errors: [...mine, 'forbidden', 'unsupported_option'],
    audit: 'projects.patch',
  }),
  remove: defineRoute({
    id: 'projects.delete',
    method: 'DELETE',
    path: '/projects/:id',
    summary:
      'Archive a project: no session is made in it any more, and the history of its sessions stays readable for its people. Refused while a session of it is not terminated.',
    permission: 'project.manage',
    params,
    responses: { 200: project },
    errors: [...mine, 'forbidden', 'conflict'],
    audit: 'projects.delete',
  }),
  members: defineRoute({
    id: 'projects.members.list',
    method: 'GET',
    path: '/projects/:id/members',
    summary: 'Everyone in the project, in the order of joining. E-mail addresses are for its owners.',
    permission: 'project.read',
    params,
    responses: { 200: pageOf(projectMember) },
    errors: mine,
  }),
  addMember: defineRoute({
    id: 'projects.members.add',
    method: 'POST',
    path: '/projects/:id/members',
    summary:
      'Bring a person who has an account here into the project and so into all of its sessions, by e-mail address. Refused too often, it has to wait.',
    permission: 'project.manage',
    params,
    body: z.strictObject({ email, role: projectRole }),
    responses: { 201: projectMember },
    errors: [...mine, 'forbidden', 'conflict'],
    audit: 'projects.members.add',
  }),
  putMember: defineRoute({
    id: 'projects.members.put',
    method: 'PUT',
    path: '/projects/:id/members/:userId',
    summary: 'Change the role of a person who is in the project.',
    permission: 'project.manage',
    params: memberParams,
    body: z.strictObject({ role: projectRole }),
    responses: { 200: projectMember },
    errors: [...mine, 'forbidden', 'conflict'],
    audit: 'projects.members.put',
  }),
  removeMember: defineRoute({
    id: 'projects.members.delete',
    method: 'DELETE',
    path: '/projects/:id/members/:userId',
    summary:
      'Take a person out of the project: their open pages of its sessions close, and the sessions that they made in it are yours from then on. Of one who is not in it: nothing.',
    permission: 'project.manage',
    params: memberParams,
    responses: { 200: done },
    errors: [...mine, 'forbidden', 'conflict'],
    audit: 'projects.members.delete',
  }),
  rules: defineRoute({
    id: 'projects.rules.list',
    method: 'GET',
    path: '/projects/:id/rules',
    summary: 'What Claude may do in all sessions of the project without asking, newest first.',
    permission: 'project.read',
    params,
    responses: { 200: pageOf(storedRule) },
    errors: mine,
  }),
  leave: defineRoute({
    id: 'projects.leave',
    method: 'POST',
    path: '/projects/:id/leave',
    summary:
      'Leave a project. Sessions that you made in it pass to the owner who has been in it longest, once none of them runs; its last owner cannot leave.',
    permission: 'project.read',
    params,
    responses: { 200: done },
    errors: [...mine, 'conflict'],
    audit: 'projects.members.leave',
  }),
} as const;
