// What the walk of all routes does with checkpoints, rewinds and forks: one act for each, in their order. It checks nobody's rights.

import { routes, type SessionId } from '@remote-claude/contract';
import { expect } from 'vitest';

import type { Person } from './people.js';
import { until } from './wait.js';

interface Answered {
  id: string;
  items: { checkpointId: string }[];
  files: { to: string };
  commandId: string;
}

export const checkpointActs = (around: () => { owner: Person; sessionId: SessionId }) => {
  const found = { checkpointId: '', tree: '' };
  const session = () => ({ params: { id: around().sessionId } });
  /** Nothing runs, and nothing waits to run. */
  const untilQuiet = () =>
    until(
      async () => {
        const { client } = around().owner;
        const { shown } = await client.call(routes.sessions.get, session());
        const { items } = await client.call(routes.tasks.list, {});
        const isOver = items.every(({ status }) => ['done', 'failed', 'cancelled'].includes(status));
        return isOver && (shown === 'idle' || shown === 'completed');
      },
      { what: 'the session to be quiet' },
    );
  const untilKept = () =>
    until(
      async () => {
        const { items } = await around().owner.client.call(routes.checkpoints.list, session());
        return items.at(-1)?.reason === 'asked';
      },
      { what: 'the checkpoint' },
    );
  const untilRewound = (rewindId: string) =>
    until(
      async () => {
        const { items } = await around().owner.client.call(routes.claude.history, session());
        return items.some(({ event }) => event.type === 'rewind.done' && event.rewindId === rewindId);
      },
      { what: 'the end of the rewind' },
    );
  const as = 'owner' as const;
  return {
    'checkpoints.take': { as, status: 202, after: untilQuiet, call: () => ({ ...session(), body: {} }) },
    'checkpoints.list': {
      as,
      status: 200,
      after: untilKept,
      call: session,
      check: ({ items }: Answered) => {
        expect(items.at(-1)).toMatchObject({ reason: 'asked', files: expect.any(Number) });
        found.checkpointId = items.at(-1)?.checkpointId ?? '';
      },
    },
    'rewind.preview': {
      as,
      status: 200,
      call: () => ({ ...session(), query: { checkpointId: found.checkpointId } }),
      check: ({ files }: Answered) => {
        expect(files).toMatchObject({ counts: { added: 0, modified: 0, deleted: 0 }, changes: [] });
        found.tree = files.to;
      },
    },
    'rewind.diff': {
      as,
      status: 200,
      call: () => ({ ...session(), query: { from: found.tree, to: found.tree, path: 'nothing' } }),
      check: (body: unknown) => expect(body).toEqual({ now: null, rewound: null, shown: true }),
    },
    'rewind.apply': {
      as,
      status: 202,
      after: untilQuiet,
      call: () => ({ ...session(), body: { target: { checkpointId: found.checkpointId }, what: 'files' } }),
      // What comes after changes files: not while they are put back.
      check: async ({ commandId }: Answered) => void (await untilRewound(commandId)),
    },
    'sessions.fork': {
      as,
      status: 201,
      after: untilQuiet,
      call: () => ({ ...session(), body: { name: 'Forked' } }),
      check: async (body: Answered) => {
        const { owner, sessionId } = around();
        expect(body).toMatchObject({ name: 'Forked', forkedFrom: { sessionId, messageId: null } });
        await owner.client.call(routes.sessions.remove, { params: { id: body.id } });
      },
    },
  };
};
