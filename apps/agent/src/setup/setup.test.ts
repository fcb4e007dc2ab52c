import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { AgentEvent, CommandId } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { repository, scratchFolder, systemPath, until } from '../testing/scratch.js';
import { createSetup, type SetupDeps } from './setup.js';

const patienceMs = 60_000;
let scratch: ReturnType<typeof scratchFolder>;
let events: AgentEvent[];
let done: CommandId[];
let held: number;
let closers: (() => Promise<void>)[];

const at = (...names: string[]): string => join(scratch.path, ...names);
const idOf = (n: number): CommandId => `00000000-0000-4000-8000-00000000000${n}` as CommandId;
const asked = (n: number, script: string, again = false) => ({ id: idOf(n), type: 'setup' as const, script, again });
const printed = (): string => events.flatMap((event) => (event.type === 'setup.output' ? [event.text] : [])).join('');
const ends = () => events.filter((event) => event.type === 'setup.ended');

beforeEach(() => {
  scratch = scratchFolder();
  for (const name of ['work', 'state', 'home']) mkdirSync(at(name));
  [events, done, held, closers] = [[], [], 0, []];
});
afterEach(async () => {
  for (const close of closers) await close();
  scratch.remove();
});

/** The real `session-init.sh`, with what a session's programs find in their environment. */
const create = (change: Partial<SetupDeps> = {}) => {
  const setup = createSetup({
    propose: async (event, commandIds = []) => {
      events.push(event);
      done.push(...commandIds);
    },
    isDone: (id) => done.includes(id),
    hold: () => {
      held += 1;
      return () => void (held -= 1);
    },
    placeId: 'this-place',
    stateDir: at('state'),
    workspace: at('work'),
    environment: { PATH: systemPath, HOME: at('home'), GREETING: 'hello from the environment' },
    initPath: join(repository, 'deploy/docker/session-init.sh'),
    isAwaited: false,
    log: () => {},
    killAfterMs: 500,
    ...change,
  });
  closers.push(setup.close);
  return setup;
};

describe('the set-up script', { timeout: patienceMs }, () => {
  it('runs in the work tree with the session’s variables, holds Claude back, and tells all of it', async () => {
    const setup = create();
    const running = setup.command(asked(1, 'echo "$GREETING" && pwd && echo wrong >&2 && touch made'));
    expect(held).toBe(1);
    expect(setup.idleMs()).toBe(0);
    await running;
    expect(held).toBe(0);
    expect(events[0]).toEqual({ type: 'setup.started', setupId: idOf(1) });
    expect(printed()).toBe(`hello from the environment\n${at('work')}\nwrong\n`);
    expect(ends()).toMatchObject([{ setupId: idOf(1), outcome: 'done', exitCode: 0, reason: null }]);
    expect(ends()[0]?.output).toMatchObject({ text: printed(), bytes: printed().length });
    expect(done).toEqual([idOf(1)]);
    expect(existsSync(at('work', 'made'))).toBe(true);
  });

  it('says with which code it failed, and may be run again', async () => {
    const setup = create();
    await setup.command(asked(1, 'echo before; exit 7'));
    expect(ends()).toMatchObject([{ outcome: 'failed', exitCode: 7, reason: expect.stringContaining('code 7') }]);
    expect(held).toBe(0);
    await setup.command(asked(2, 'echo before; exit 0'));
    expect(ends()[1]).toMatchObject({ setupId: idOf(2), outcome: 'done' });
  });

  it('runs once on a disk, but where it is asked for again', async () => {
    const script = 'echo run >> "$HOME/runs"';
    const runs = (): number => readFileSync(at('home', 'runs'), 'utf8').split('\n').length - 1;
    await create().command(asked(1, script));
    // Another life of the agent, on the same disk.
    const setup = create();
    await setup.command(asked(2, script));
    expect(ends()[1]).toMatchObject({ outcome: 'skipped', exitCode: 0 });
    expect(runs()).toBe(1);
    await setup.command(asked(3, script, true));
    expect(ends()[2]).toMatchObject({ outcome: 'done' });
    expect(runs()).toBe(2);
    // Told again by a server that has not seen its end.
    await setup.command(asked(3, script, true));
    expect(runs()).toBe(2);
  });

  it('is not run in a place that makes room for another, where Claude is held back to its end', async () => {
    const given = { ...asked(1, 'echo run'), notIn: 'this-place' };
    await create().command(given);
    expect(events).toEqual([]);
    expect(held).toBe(1);
    await create({ placeId: 'the-other' }).command(given);
    expect(ends()).toMatchObject([{ outcome: 'done' }]);
  });

  it('one runs after the other', async () => {
    const setup = create();
    await Promise.all([
      setup.command(asked(1, 'while [ ! -e go ]; do sleep 0.05; done; echo first')),
      setup.command(asked(2, 'echo second')),
      until('the first to run', () => events.length > 0).then(() => {
        expect(held).toBe(2);
        writeFileSync(at('work', 'go'), '');
      }),
    ]);
    expect(printed()).toBe('first\nsecond\n');
    expect(held).toBe(0);
  });

  it('waits for the files of a fork', async () => {
    const setup = create({ isAwaited: true });
    const running = setup.command(asked(1, 'cat copied'));
    expect(held).toBe(1);
    writeFileSync(at('work', 'copied'), 'it is here\n');
    expect(events).toEqual([]);
    setup.open();
    await running;
    expect(printed()).toBe('it is here\n');
  });

  it('prints more than is told: the end is kept, and says that it is not all', async () => {
    await create().command(asked(1, 'seq 1 200000; echo the end'));
    expect(printed().length).toBeLessThanOrEqual(256 * 1024);
    const [end] = ends();
    expect(end?.output.text).toMatch(/199999\n200000\nthe end\n$/);
    expect(end?.output).toMatchObject({ cut: true });
    expect(end?.output.bytes).toBeGreaterThan(1_000_000);
    expect(events.every((event) => JSON.stringify(event).length < 64 * 1024)).toBe(true);
  });

  it('ends with the agent, and is not said to have ended: the next life runs it anew', async () => {
    const setup = create();
    const running = setup.command(asked(1, 'echo $$ > pid; while :; do sleep 0.05; done'));
    const pid = await until(
      'the script to run',
      () => existsSync(at('work', 'pid')) && readFileSync(at('work', 'pid'), 'utf8').trim(),
    );
    await setup.close();
    await running;
    expect(ends()).toEqual([]);
    expect(done).toEqual([]);
    await until('the script to end', () => !existsSync(`/proc/${pid}`));
  });

  it('says what is wrong where there is nothing to run it with', async () => {
    await create({ initPath: null }).command(asked(1, 'true'));
    expect(ends()).toMatchObject([{ outcome: 'failed', exitCode: null, reason: expect.stringContaining('too old') }]);
    expect(held).toBe(0);
  });
});
