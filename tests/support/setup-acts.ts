// What the walk of all routes does with how a session is prepared: one act for each, in their order. It checks nobody's rights.

import { routes, type SessionId } from '@remote-claude/contract';
import { expect } from 'vitest';

import type { Person } from './people.js';
import { until } from './wait.js';

export const setupActs = (around: () => { owner: Person; sessionId: SessionId }) => {
  const session = () => ({ params: { id: around().sessionId } });
  const as = 'owner' as const;
  const found = { hash: '', head: 0 };
  const remember = async () =>
    void (found.head = (await around().owner.client.call(routes.sessions.get, session())).head);
  /** In another place than that which it had. */
  const untilAnew = () =>
    until(
      async () => {
        const { client } = around().owner;
        const query = { after: found.head, limit: 200 };
        const { items } = await client.call(routes.claude.history, { ...session(), query });
        const isAnew = items.some(({ event }) => event.type === 'place.changed' && event.status === 'running');
        const { shown } = await client.call(routes.sessions.get, session());
        return isAnew && (shown === 'idle' || shown === 'completed');
      },
      { timeoutMs: 120_000, what: 'the session in another place' },
    );
  const putFile = (path: string, content: string) =>
    around().owner.fetch(`/sessions/${around().sessionId}/files/${path}`, {
      method: 'PUT',
      headers: { 'if-none-match': '*' },
      body: new TextEncoder().encode(content),
    });
  return {
    'setup.get': {
      as,
      status: 200,
      call: session,
      check: (body: unknown) => expect(body).toEqual({ image: null, env: [], script: null }),
    },
    'setup.run': {
      as,
      status: 202,
      call: () => ({ ...session(), body: { script: 'echo set up in "$PWD" && exit 3' } }),
      check: async (body: object) => {
        expect(body).toHaveProperty('setup', { status: 'waiting', exitCode: null, reason: null });
        const { owner } = around();
        const failed = await until(
          async () => {
            const { setup } = await owner.client.call(routes.sessions.get, session());
            return setup?.status === 'failed' ? setup : null;
          },
          { what: 'the set-up script to fail' },
        );
        expect(failed.exitCode).toBe(3);
        const { items } = await owner.client.call(routes.claude.history, session());
        const ends = items.flatMap(({ event }) => (event.type === 'setup.ended' ? [event] : []));
        expect(ends).toMatchObject([{ outcome: 'failed', output: { text: expect.stringMatching(/^set up in \//) } }]);
        const text = {
          containerEnv: { FROM: 'the dev container' },
          postCreateCommand: 'echo "$FROM" > made',
          privileged: true,
        };
        await putFile('.devcontainer.json', JSON.stringify(text));
      },
    },
    'devContainer.get': {
      as,
      status: 200,
      call: session,
      check: (body: object) => {
        expect(body).toMatchObject({
          used: null,
          found: { path: '.devcontainer.json', refused: [], ignored: [{ name: 'privileged' }] },
        });
        found.hash = (body as { found: { hash: string } }).found.hash;
      },
    },
    'devContainer.use': {
      as,
      status: 202,
      after: remember,
      call: () => ({ ...session(), body: { hash: found.hash } }),
      // Its place is another one by then, in which the command finds the variable.
      check: async () => {
        await untilAnew();
        const made = await around().owner.fetch(`/sessions/${around().sessionId}/files/made`);
        expect(await made.text()).toBe('the dev container\n');
      },
    },
    'sessions.restart': {
      as,
      status: 202,
      after: remember,
      call: session,
      check: async () => void (await untilAnew()),
    },
  };
};
