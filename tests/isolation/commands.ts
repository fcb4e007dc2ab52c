// Many commands at once where attempts are made: one program that runs them all, inside a session, in a container or on this machine.

import { execFile } from 'node:child_process';

import { builtEnv } from '../support/config.js';
import { docker } from '../support/container.js';
import { evaluate } from '../support/inside.js';
import type { Person } from '../support/people.js';

export interface Command {
  name: string;
  command: string;
}

export interface Ran {
  name: string;
  code: number;
  stdout: string;
  stderr: string;
}

export interface Batch {
  commands: readonly Command[];
  /** Beside what the program has. */
  env?: Record<string, string>;
  /** So many at a time. */
  atOnce?: number;
}

/** Runs them all and answers in their order. */
export type Runner = (batch: Batch) => Promise<Ran[]>;

/** One that hangs is ended, with 124 or 137. */
const program = `
  const { spawn } = require('node:child_process');
  const run = ({ name, command }) => new Promise((resolve) => {
    const child = spawn('timeout', ['-k', '1', '20', ...values.before, 'bash', '-c', command], {
      env: { ...process.env, ...values.env }, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/tmp',
    });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) child[stream].on('data', (part) => {
      if (said[stream].length < 2000) said[stream] += part.toString('latin1').slice(0, 2000);
    });
    child.on('error', (error) => resolve({ name, code: 127, stdout: '', stderr: String(error) }));
    child.on('close', (code) => resolve({ name, code: code === null ? 137 : code, ...said }));
  });
  const waiting = values.commands.map((one, at) => ({ ...one, at }));
  const ran = [];
  await Promise.all(Array.from({ length: values.atOnce }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) ran[next.at] = await run(next);
  }));
  return ran;`;

const valuesOf = ({ commands, env = {}, atOnce = 1 }: Batch, before: readonly string[] = []) => ({
  ...{ commands, env, atOnce, before },
});
const script = `const values = JSON.parse(process.env.VALUES); (async () => { ${program} })().then((answer) => process.stdout.write(JSON.stringify(answer)));`;

export const insideSession =
  (person: Person, id: Parameters<typeof evaluate>[1]): Runner =>
  (batch) =>
    evaluate(person, id, program, valuesOf(batch));

/** `before` begins each command line: a mount namespace of its own for each, say. */
export const insideContainer =
  (name: string, before: readonly string[] = []): Runner =>
  async (batch) => {
    const values = JSON.stringify(valuesOf(batch, before));
    const { code, stdout, stderr } = await docker([
      ...['exec', '--env', `VALUES=${values}`, '--env', `SCRIPT=${script}`, name],
      ...['bash', '-c', 'node -e "$SCRIPT"'],
    ]);
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as Ran[];
  };

export const onMachine =
  (before: readonly string[] = []): Runner =>
  (batch) =>
    new Promise((resolve, reject) => {
      const env = { ...builtEnv(), VALUES: JSON.stringify(valuesOf(batch, before)) };
      execFile(process.execPath, ['-e', script], { env, maxBuffer: 32 * 2 ** 20 }, (error, stdout, stderr) => {
        if (error === null) resolve(JSON.parse(stdout) as Ran[]);
        else reject(new Error(`${error.message}: ${stderr}`));
      });
    });
