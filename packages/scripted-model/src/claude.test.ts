/** The real Claude Code against the scripted model: the demo to its end, its refusals, and what a broken stream does. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import {
  afterTool,
  createDemoScript,
  error,
  halfStream,
  numbered,
  startScriptedModel,
  text,
  toolUse,
  userSays,
} from './index.js';
import type { Script, ScriptedModel, ScriptedModelOptions } from './index.js';
import { createClaudePlace } from './testing/claude.js';
import type { ClaudePlace } from './testing/claude.js';
import { rightOutput } from './scripts/prime-program.js';

const closing: (() => Promise<void>)[] = [];
const start = async (
  script: Script,
  options: Partial<ScriptedModelOptions> = {},
): Promise<{ model: ScriptedModel; place: ClaudePlace }> => {
  const model = await startScriptedModel({ ...options, script });
  const place = await createClaudePlace(model.url);
  closing.push(place.close, model.close);
  return { model, place };
};
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const demo = createDemoScript({ delayMs: 0 });
const limitMs = 120_000;
const names = (tools: readonly { name: string }[]): string[] => tools.map(({ name }) => name);

test(
  'the demo writes a program, sees it fail, mends it and runs it; other words get help; twice in one session',
  async () => {
    const { model, place } = await start(demo);
    const run = await place.run(['Bonjour !', 'What is this?', 'the program again, please', 'count']);
    const round = ['Write', 'Bash', 'Edit', 'Bash'];
    expect(names(run.tools)).toEqual([...round, ...round]);
    for (const [first, last] of [
      [1, 3],
      [5, 7],
    ] as const) {
      expect(run.tools[first]).toMatchObject({
        isError: true,
        output: expect.stringContaining('AssertionError') as string,
      });
      expect(run.tools[last]).toMatchObject({ isError: false, output: rightOutput });
    }
    const [program, help, again, count] = run.results;
    expect(program).toMatch(/\| step \| tool \|[^]*```diff/);
    expect(help).toContain('`program`');
    expect(again).toBe(program);
    expect(count?.trim().split(' ').slice(-1)).toEqual(['0200']);
    const { stdout } = await promisify(execFile)(process.execPath, [join(place.workTree, 'primes.mjs')], { env: {} });
    expect(stdout.trim()).toBe(rightOutput);
    expect([model.unexpected(), model.retries()]).toEqual([[], 0]);
    const thoughts = run.messages.filter(
      (message) => message.type === 'assistant' && message.message.content.some(({ type }) => type === 'thinking'),
    );
    expect(thoughts).toHaveLength(4);
  },
  limitMs,
);

test.each([
  ['TodoWrite', { CLAUDE_CODE_ENABLE_TODO_TOOLS: '1', CLAUDE_CODE_ENABLE_TASKS: '0' }],
  ['TaskUpdate', { CLAUDE_CODE_ENABLE_TODO_TOOLS: '1' }],
])(
  'the demo keeps a todo list with %s where Claude Code offers it',
  async (tool, env) => {
    const { model, place } = await start(demo);
    const run = await place.run(['hi'], { env });
    const todo = run.tools.filter(({ name }) => name === tool);
    expect(todo.length).toBeGreaterThanOrEqual(5);
    expect(todo.filter(({ isError }) => isError)).toEqual([]);
    expect(JSON.stringify(todo.at(-1)?.input)).toMatch(/completed/);
    expect(JSON.stringify(todo.at(-1)?.input)).not.toMatch(/pending|in_progress/);
    expect(run.tools.filter(({ name }) => name === 'Bash').at(-1)?.output).toBe(rightOutput);
    expect(run.results[0]).toContain('The program works');
    expect(model.unexpected()).toEqual([]);
  },
  limitMs,
);

test.each(['Write', 'Bash', 'Edit'])(
  'a denied %s ends the demo politely',
  async (tool) => {
    const { model, place } = await start(demo);
    const run = await place.run(['hi'], { deny: { [tool]: 'Not today,\nplease.' } });
    expect(run.tools.at(-1)).toMatchObject({ name: tool, isError: true });
    expect(run.results[0]).toContain(`**${tool}** call was not allowed`);
    expect(run.results[0]).toContain('> Not today,\n> please.');
    expect(model.unexpected()).toEqual([]);
  },
  limitMs,
);

test(
  'the demo writes over a program that an earlier session left',
  async () => {
    const { model, place } = await start(demo);
    await writeFile(join(place.workTree, 'primes.mjs'), 'console.log("old")\n');
    const run = await place.run(['hi']);
    expect(names(run.tools)).toEqual(['Write', 'Bash', 'Edit', 'Bash']);
    expect(await readFile(join(place.workTree, 'primes.mjs'), 'utf8')).toContain('d <= Math.sqrt(n)');
    expect(model.unexpected()).toEqual([]);
  },
  limitMs,
);

test(
  'Claude Code asks again after half a stream and after 529, and gets the whole answer once',
  async () => {
    const { model, place } = await start([
      { name: 'cut', when: userSays('go'), answer: [halfStream(5), numbered(20)], times: 1 },
      { name: 'busy', when: userSays('go'), answer: [error(529)], times: 1 },
      {
        name: 'tool',
        when: userSays('go'),
        answer: [numbered(20), toolUse('Bash', { command: 'echo ran >> ran.txt', description: 'Leave a mark' })],
      },
      { name: 'done', when: afterTool('Bash'), answer: [text('done')] },
    ]);
    const run = await place.run(['go']);
    expect(run.results).toEqual(['done']);
    expect(await readFile(join(place.workTree, 'ran.txt'), 'utf8')).toBe('ran\n');
    expect(
      model
        .requests()
        .filter(({ key }) => key !== undefined)
        .map(({ rule, attempt }) => [rule, attempt]),
    ).toEqual([
      ['cut', 1],
      ['busy', 2],
      ['tool', 3],
      ['done', 1],
    ]);
    expect([model.unexpected(), model.retries()]).toEqual([[], 2]);
  },
  limitMs,
);

test(
  'side calls are answered: a title, and the summary of a compaction',
  async () => {
    const { model, place } = await start([{ name: 'hello', when: userSays(/.*/), answer: [text('Hello.')] }]);
    const run = await place.run(['hello', '/compact', 'hello again'], {
      env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '' },
    });
    expect(run.messages.some((message) => message.type === 'system' && message.subtype === 'compact_boundary')).toBe(
      true,
    );
    const side = model.requests().flatMap(({ sideCall }) => sideCall ?? []);
    expect(side).toContain('compact');
    expect(side).toContain('structured');
    expect(model.unexpected()).toEqual([]);
  },
  limitMs,
);

test(
  'the demo says so when a tool does not do what it expects',
  async () => {
    const { model, place } = await start(demo);
    await mkdir(join(place.workTree, 'primes.mjs'));
    const run = await place.run(['hi']);
    expect(run.results[0]).toMatch(/\*\*Write\*\* did not work here[^]*```text[^]*directory/i);
    expect(model.unexpected()).toEqual([]);
  },
  limitMs,
);

test(
  'a call that nobody scripted fails the turn at once, without ten tries',
  async () => {
    const { model, place } = await start([]);
    await place.run(['surprise']).catch(() => undefined);
    expect(model.unexpected()).toEqual([expect.stringContaining('the user says: surprise')]);
  },
  limitMs,
);
