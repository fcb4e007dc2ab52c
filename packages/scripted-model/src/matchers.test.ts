/** What rules match on: the conversation as it is read from requests in the shapes that Claude Code sends. */
import { expect, test } from 'vitest';
import { readConversation } from './conversation.js';
import {
  afterTool,
  anyOf,
  modelIs,
  not,
  offersTool,
  systemSays,
  toolResults,
  turn,
  turnResults,
  turnSays,
  userSays,
} from './matchers.js';
import type { MessagesRequest } from './protocol.js';
import type { Matcher } from './script.js';
import { sideCallOf } from './side-calls.js';

const read = (messages: unknown[], more: object = {}): ReturnType<typeof readConversation> =>
  readConversation({ model: 'claude-opus-5-5', max_tokens: 9, messages, ...more } as MessagesRequest);

const reminder = { type: 'text', text: '<system-reminder>\nBe kind. write\n</system-reminder>\n' };
const call = (id: string, name: string): object => ({ type: 'tool_use', id, name, input: { n: id } });
const result = (id: string, content: unknown, isError = false): object => ({
  type: 'tool_result',
  tool_use_id: id,
  content,
  is_error: isError,
});

const first = [{ role: 'user', content: [reminder, { type: 'text', text: 'Please write a program' }] }];
const afterTwo = [
  ...first,
  { role: 'system', content: [{ type: 'text', text: ' - Primary working directory: /work' }] },
  { role: 'assistant', content: [{ type: 'text', text: 'I do.' }, call('a', 'Write'), call('b', 'Bash')] },
  {
    role: 'user',
    content: [result('a', 'File created'), result('b', [{ type: 'text', text: 'Exit code 1' }], true), reminder],
  },
];
const secondTurn = [
  ...afterTwo,
  { role: 'assistant', content: 'Done.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: '[Request interrupted by user]' },
      { type: 'text', text: 'And now?' },
    ],
  },
];

test.each<[string, unknown[], Matcher, boolean]>([
  ['userSays at the beginning', first, userSays('write a program'), true],
  ['userSays with a pattern', first, userSays(/PROGRAM/i), true],
  ['userSays does not see reminders', first, userSays('Be kind'), false],
  ['userSays does not match again after tools', afterTwo, userSays('write'), false],
  ['turnSays does', afterTwo, turnSays('write'), true],
  ['turnSays looks at this turn only', secondTurn, turnSays('write'), false],
  ['userSays in the second turn', secondTurn, userSays(/^And now\?$/), true],
  ['afterTool', afterTwo, afterTool('Write', { text: 'created' }), true],
  ['afterTool with an error', afterTwo, afterTool('Bash', { text: /code \d/, isError: true }), true],
  ['afterTool without the error', afterTwo, afterTool('Bash', { isError: false }), false],
  ['afterTool of another tool', afterTwo, afterTool('Edit'), false],
  ['afterTool is about the newest results', secondTurn, afterTool('Bash'), false],
  ['toolResults of the conversation', secondTurn, toolResults(2), true],
  ['turnResults of this turn', secondTurn, turnResults(0), true],
  ['turnResults in the first turn', afterTwo, turnResults(2), true],
  ['turn', secondTurn, turn(2), true],
  ['systemSays also reads system turns', afterTwo, systemSays('working directory: /work'), true],
  ['modelIs', first, modelIs('claude-opus-5-5'), true],
  ['modelIs is not a part of the name', first, modelIs('opus'), false],
  ['modelIs with a pattern', first, modelIs(/opus/), true],
  ['offersTool', first, offersTool('Bash'), false],
  ['not', first, not(turn(2)), true],
  ['anyOf', first, anyOf(turn(2), turn(1)), true],
])('%s', (_name, messages, matcher, expected) => {
  expect(matcher(read(messages))).toBe(expected);
});

test.each(['Tool loaded.', 'Continue from where you left off.', '[Request interrupted by user for tool use]'])(
  "what Claude Code says in the user's place begins no turn: %s",
  (note) => {
    const conversation = read([...afterTwo, { role: 'assistant', content: 'x' }, { role: 'user', content: note }]);
    expect(conversation).toMatchObject({ userTurns: 1, startsTurn: false, userText: 'Please write a program' });
    expect(conversation.turnResults).toHaveLength(2);
  },
);

test('an interrupt ends a turn of which nothing of the model was kept', () => {
  const note = { type: 'text', text: '[Request interrupted by user]' };
  const conversation = read([
    { role: 'user', content: 'first' },
    { role: 'user', content: [note, { type: 'text', text: 'second' }] },
  ]);
  expect(conversation).toMatchObject({ userText: 'second', userTurns: 2, startsTurn: true });
  const afterTools = read([...afterTwo, { role: 'user', content: [note, { type: 'text', text: 'second' }] }]);
  expect(afterTools).toMatchObject({ userText: 'second', newResults: [], turnResults: [] });
});

test('a result knows its call, and one without a call has no tool', () => {
  const { toolResults: results } = read([...afterTwo, { role: 'user', content: [result('zz', 'x')] }]);
  expect(results.map(({ tool, input, isError }) => [tool, input, isError])).toEqual([
    ['Write', { n: 'a' }, false],
    ['Bash', { n: 'b' }, true],
    ['', undefined, false],
  ]);
});

test('side calls are told from the conversation', () => {
  const format = { output_config: { format: { type: 'json_schema', schema: {} } } };
  const tools = { tools: [{ name: 'Bash' }] };
  expect(sideCallOf(read([{ role: 'user', content: 'quota' }], { max_tokens: 1 }))).toBe('quota');
  expect(sideCallOf(read(first, { ...format, tools: [] }))).toBe('structured');
  expect(sideCallOf(read(first, { ...format, ...tools }))).toBeUndefined();
  expect(
    sideCallOf(
      read(
        [
          ...afterTwo,
          { role: 'user', content: 'Your task is to create a detailed summary of the conversation so far' },
        ],
        tools,
      ),
    ),
  ).toBe('compact');
  expect(sideCallOf(read(first))).toBeUndefined();
});
