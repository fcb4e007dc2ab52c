// A session to look at from inside: started and awaited, with commands run in it through the API.

import { routes, type ExecuteRequest, type Session, type SessionConfig } from '@remote-claude/contract';

import type { Person } from './people.js';
import { until } from './wait.js';

export const untilRunning = (person: Person, id: Session['id']): Promise<Session> =>
  until(
    async () => {
      const session = await person.client.call(routes.sessions.get, { params: { id } });
      return session.status === 'running' ? session : null;
    },
    { what: `session ${id} to run`, timeoutMs: 120_000 },
  );

export const startSession = async (person: Person, config: SessionConfig = {}): Promise<Session> => {
  const { id } = await person.client.call(routes.sessions.create, { body: config });
  return untilRunning(person, id);
};

export const stopSession = async (person: Person, id: Session['id']): Promise<void> => {
  await person.client.call(routes.sessions.stop, { params: { id } });
  await until(
    async () => {
      const { shown, status } = await person.client.call(routes.sessions.get, { params: { id } });
      return shown === 'stopped' && status === 'stopped';
    },
    { what: `session ${id} to stop`, timeoutMs: 60_000 },
  );
};

export const execute = (
  person: Person,
  id: Session['id'],
  command: string,
  more: Omit<ExecuteRequest, 'command'> = {},
) => person.client.call(routes.sessions.execute, { params: { id }, body: { command, timeoutMs: 60_000, ...more } });

/** Standard output of a command that must succeed, without white space at its end. */
export const output = async (person: Person, id: Session['id'], command: string): Promise<string> => {
  const { stdout, stderr, exitCode } = await execute(person, id, command);
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr}`);
  return stdout.trimEnd();
};

/** A program for Node inside, given as a function of nothing outside it; its answer travels as JSON. */
export const evaluate = async <T>(
  person: Person,
  id: Session['id'],
  program: string,
  values: unknown = null,
): Promise<T> => {
  const script = `const values = JSON.parse(process.env.VALUES); (async () => { ${program} })().then((answer) => process.stdout.write(JSON.stringify(answer ?? null)), (error) => { console.error(error); process.exit(1); });`;
  const { stdout, stderr, exitCode } = await execute(person, id, 'node -e "$SCRIPT"', {
    timeoutMs: 175_000,
    env: { SCRIPT: script, VALUES: JSON.stringify(values) },
  });
  if (exitCode !== 0) throw new Error(`The program inside ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as T;
};
