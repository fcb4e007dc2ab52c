// Every way out of a session that its network or a socket could be: each is tried inside, where it must lead nowhere, and where
// nothing holds it, where it must get there.

import { routes, type Session } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { placesUnderTest } from '../support/config.js';
import { execute, output, startSession } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/wait.js';
import { createTable } from './attempts.js';
import { insideSession, type Command, type Ran, type Runner } from './commands.js';
import { listenerProgram } from './listeners.js';
import { openEngineTargets, openMachineTargets, type Targets } from './targets.js';
import { mark, programs, waysOut, type Control, type WayOut } from './ways-out.js';

const kind = placesUnderTest();
const table = createTable(`ways out of a session (${kind})`);
/** What a place gives, or this test. */
const given = ['ENV', 'ANTHROPIC_AUTH_TOKEN', 'DOOR', 'DOOR_HOW', 'DOOR_PORT', 'SERVER', 'MODEL', 'THEIRS'];

let model: ScriptedModel;
let product: Product;
let ada: Person;
let mine: Session, theirs: Session;
let targets: Targets;
let ways: [string, WayOut][];
let env: Record<string, string>;
let tried: Map<string, Ran>;
/** What the gateway sent to the model meanwhile. */
let asked: ReturnType<ScriptedModel['requests']>;

const byName = (ran: readonly Ran[]): Map<string, Ran> => new Map(ran.map((one) => [one.name, one]));
const commandOf = ([name, { command }]: [string, WayOut]): Command => ({ name, command });
const shown = ({ code, stdout, stderr }: Ran): string => (code === 124 ? 'no answer' : stderr || stdout);

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  [mine, theirs] = await Promise.all([startSession(ada, { name: 'Mine' }), startSession(ada, { name: 'Theirs' })]);
  const listens = `${listenerProgram} setInterval(() => {}, 60000);`;
  await execute(
    ada,
    theirs.id,
    `setsid node -e "$LISTENS" > /tmp/ports 2>/tmp/trouble </dev/null & until [ -s /tmp/ports ] || [ -s /tmp/trouble ]; do sleep 0.1; done`,
    { env: { LISTENS: listens, MARK: mark, WANTED: JSON.stringify([{ kind: 'tcp', at: '127.0.0.1' }]) } },
  );
  const [port] = JSON.parse(await output(ada, theirs.id, 'cat /tmp/ports')) as number[];
  targets = await (kind === 'process' ? openMachineTargets : openEngineTargets)(product);
  env = {
    ...programs,
    ...targets.env,
    ...{ SERVER: new URL(product.url).port, MODEL: String(model.port), THEIRS: String(port) },
  };
  const isThere = ([, { command }]: [string, WayOut]): boolean =>
    [...command.matchAll(/\$([A-Z][A-Z0-9_]*)/g)].every(([, name = '']) => name in env || given.includes(name));
  ways = Object.entries(waysOut).filter(isThere);
  const before = model.requests().length;
  const door = { DOOR_HOW: 'unix', DOOR: '/run/remote-claude/gateway/gateway.sock', DOOR_PORT: '' };
  const batch = { commands: ways.map(commandOf), env: { ...env, ...door }, atOnce: 8 };
  tried = byName(await insideSession(ada, mine.id)(batch));
  asked = model.requests().slice(before);
});

afterAll(async () => {
  table.print();
  await targets?.close();
  await product?.close();
  await model?.close();
});

describe('what leads out of a session', () => {
  it('is tried in at least 25 ways', () => {
    expect(ways.length).toBeGreaterThanOrEqual(25);
  });

  it('leads nowhere', () => {
    const open = ways.filter(([name, { got }]) => {
      const ran = tried.get(name);
      if (ran === undefined) throw new Error(`${name} was not tried`);
      return !table.add({ what: name, outcome: shown(ran), held: !got.test(ran.stdout) });
    });
    expect(open.map(([name]) => [name, tried.get(name)])).toEqual([]);
  });

  it('leads there where nothing holds it', async () => {
    const runners: Record<Control, Runner> = { ...targets.controls, neighbour: insideSession(ada, theirs.id) };
    const door = { DOOR_HOW: 'tcp4', DOOR: env['HOST'] ?? '', DOOR_PORT: env['TCP'] ?? '', ANTHROPIC_AUTH_TOKEN: 'x' };
    const got = await Promise.all(
      Object.entries(runners).map(async ([control, run]) => {
        const commands = ways.filter(([, one]) => one.control === control).map(commandOf);
        return commands.length === 0 ? [] : run({ commands, env: { ...env, ...door }, atOnce: 4 });
      }),
    );
    const controls = byName(got.flat());
    const shut = ways.filter(([name, way]) => !way.got.test(controls.get(name)?.stdout ?? ''));
    for (const [name, { isRare }] of shut)
      if (isRare) process.stdout.write(`${name}: this machine has no such thing: ${controls.get(name)?.stderr}\n`);
    expect(shut.filter(([, { isRare }]) => !isRare).map(([name]) => [name, controls.get(name)])).toEqual([]);
  });
});

describe('the gateway, that was asked for all of it', () => {
  it('sent nothing on but calls of the model', () => {
    expect(asked.filter(({ path }) => !/^\/v1\/messages(\/count_tokens)?(\?|$)/.test(path))).toEqual([]);
    expect(asked.some(({ headers }) => JSON.stringify(headers).includes(env['HTTP'] ?? 'none'))).toBe(false);
  });

  it('said which request it refused', async () => {
    const said = await until(() => /the gateway refused a request/.exec(product.output())?.[0], {
      what: 'a line about a refusal',
    });
    expect(said).not.toBe('');
  });

  it('goes on, for both sessions', async () => {
    for (const { id } of [mine, theirs])
      expect(await ada.client.call(routes.claude.chat, { params: { id }, body: { message: 'Hi' } })).toMatchObject({
        outcome: 'completed',
      });
  });
});
