import { randomUUID } from 'node:crypto';
import type { CommandId, SessionConfig, SessionEvent } from '@remote-claude/contract';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createSessionHouse, type SessionHouse } from '../../testing/session-house.js';

let house: SessionHouse;
beforeAll(async () => {
  house = await createSessionHouse();
});
afterAll(() => house.close());

const told = async (sessionId: string) =>
  (await house.commands.pending(sessionId, 0, 10)).map(({ command }) => command);
const typesOf = async (sessionId: string) =>
  (await house.events.read(sessionId, { after: 0 }, 50)).map(({ event }) => event.type);
const auditsOf = (sessionId: string) =>
  house.database.db.selectFrom('audit_logs').selectAll().where('session_id', '=', sessionId).orderBy('id').execute();
const stateOf = async (sessionId: string) => (await house.events.head(sessionId)).state;

/** As its agent would say it. */
let n = 0;
const says = (sessionId: string, event: SessionEvent, commandIds: CommandId[] = []) =>
  house.events.append(sessionId, [{ source: 'journal', n: (n += 1), event, commandIds }], { by: 'agent' });
const ended = (setupId: CommandId, exitCode: number): SessionEvent => ({
  type: 'setup.ended',
  setupId,
  outcome: exitCode === 0 ? 'done' : 'failed',
  exitCode,
  reason: null,
  durationMs: 5,
  output: { text: 'the end', bytes: 7 },
});
const prepared: SessionConfig = { setupScript: 'npm ci', env: { TOKEN: 'a-secret-value' }, image: 'team/tools:2' };

describe('how a place is prepared', () => {
  test('the script is told before every prompt, and the session says so until it has ended', async () => {
    const ada = await house.person();
    const made = await house.sessions.create(ada, prepared);
    expect(made).toMatchObject({ image: 'team/tools:2', env: ['TOKEN'], setup: { status: 'waiting', exitCode: null } });
    const [command] = await told(made.id);
    expect(command).toMatchObject({ type: 'setup', script: 'npm ci', again: false });
    expect(await typesOf(made.id)).toEqual(['session.created', 'place.changed', 'setup.asked']);
    const { id } = command as { id: CommandId };

    await says(made.id, { type: 'setup.started', setupId: id });
    await says(made.id, { type: 'setup.output', setupId: id, text: 'added 5 packages\n' });
    expect((await stateOf(made.id)).setup).toMatchObject({ status: 'running', tail: 'added 5 packages\n' });
    await says(made.id, ended(id, 3), [id]);
    const after = await house.sessions.get(made.id);
    expect(after.setup).toEqual({ status: 'failed', exitCode: 3, reason: null });
    expect(await told(made.id)).toEqual([]);
    expect(await house.sessions.setup.get(made.id)).toEqual({
      image: 'team/tools:2',
      env: ['TOKEN'],
      script: 'npm ci',
    });
  });

  test('no answer, event or audit row has the value of a variable', async () => {
    const ada = await house.person();
    const made = await house.sessions.create(ada, prepared);
    await house.sessions.setup.change(made.id, ada, { env: { OTHER: 'a-secret-value' } });
    const all = JSON.stringify([
      await house.sessions.get(made.id),
      await house.sessions.setup.get(made.id),
      await house.events.read(made.id, { after: 0 }, 50),
      (await auditsOf(made.id)).map(({ details }) => details),
    ]);
    expect(all).toContain('OTHER');
    expect(all).not.toContain('a-secret-value');
  });

  test('again: the same script or another one, while none waits, and only once for an id', async () => {
    const ada = await house.person();
    const { id } = await house.sessions.create(ada, { setupScript: 'one' });
    await expect(house.sessions.setup.run(id, ada, undefined)).rejects.toMatchObject({ code: 'conflict' });
    const [first] = await told(id);
    await says(id, ended(first?.id as CommandId, 1), [first?.id as CommandId]);

    const operationId = randomUUID();
    await house.sessions.setup.run(id, { ...ada, operationId }, 'two');
    await house.sessions.setup.run(id, { ...ada, operationId }, 'two');
    expect(await told(id)).toMatchObject([{ id: operationId, type: 'setup', script: 'two', again: true }]);
    expect((await house.sessions.setup.get(id)).script).toBe('two');
    expect((await auditsOf(id)).map(({ action }) => action)).toEqual(['sessions.create', 'setup.run']);
    // What an earlier one says late counts no more.
    await says(id, ended(first?.id as CommandId, 0));
    expect((await stateOf(id)).setup).toMatchObject({ setupId: operationId, status: 'waiting' });
  });

  test('a session without a script has none to run, and one that does not run runs none', async () => {
    const ada = await house.person();
    const { id, setup } = await house.sessions.create(ada, {});
    expect(setup).toBeNull();
    await expect(house.sessions.setup.run(id, ada, undefined)).rejects.toMatchObject({ code: 'conflict' });
    await house.sessions.stop(id, ada);
    await expect(house.sessions.setup.run(id, ada, 'true')).rejects.toMatchObject({ code: 'session_not_running' });
  });

  test('an agent that is too old says so, and the session is not held up', async () => {
    const ada = await house.person();
    const { id } = await house.sessions.create(ada, { setupScript: 'one' });
    const [command] = await told(id);
    const commandId = command?.id as CommandId;
    const reason = 'This session runs an older version.';
    await says(id, { type: 'command.refused', commandId, command: 'setup', reason }, [commandId]);
    expect((await house.sessions.get(id)).setup).toEqual({ status: 'failed', exitCode: null, reason });
  });
});

describe('images', () => {
  test('the usual one and those that are allowed may be asked for, and others are refused by name', async () => {
    const ada = await house.person();
    for (const image of ['usual:1', 'team/tools:2', 'team/deep/er'])
      expect((await house.sessions.create(ada, { image })).image).toBe(image);
    for (const image of ['usual:2', 'other/team/tools', 'teams/tools', 'registry.example.com/team/tools']) {
      const refused = house.sessions.create(ada, { image });
      await expect(refused).rejects.toMatchObject({ code: 'unsupported_option' });
      await expect(refused).rejects.toThrow(image);
    }
  });

  test('another one can be chosen for a session that is there, and the usual one again', async () => {
    const ada = await house.person();
    const { id } = await house.sessions.create(ada, { env: { A: '1' } });
    expect(await house.sessions.setup.change(id, ada, { image: 'team/tools', name: 'Tools' })).toMatchObject({
      image: 'team/tools',
      name: 'Tools',
      env: ['A'],
    });
    await expect(house.sessions.setup.change(id, ada, { image: 'other' })).rejects.toMatchObject({
      code: 'unsupported_option',
    });
    expect((await house.sessions.setup.change(id, ada, { image: null })).image).toBeNull();
  });
});
