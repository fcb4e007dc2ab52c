/** Side calls: answered by themselves, taken over by a rule that wants them, or left to the script. */
import { afterEach, expect, test } from 'vitest';
import { always, startScriptedModel, text } from './index.js';
import type { Script, ScriptedModel } from './index.js';
import { post, say } from './testing/client.js';

const open: ScriptedModel[] = [];
const ask = async (
  script: Script,
  body: object,
  sideCalls?: 'answer' | 'strict',
): Promise<{ status: number; text: string; model: ScriptedModel }> => {
  const model = await startScriptedModel({ script, sideCalls });
  open.push(model);
  const response = await post(model.url, body);
  const answer = (await response.json()) as { content?: { text: string }[] };
  return { status: response.status, text: answer.content?.[0]?.text ?? '', model };
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((model) => model.close()));
});

const schema = {
  type: 'object',
  properties: {
    title: { type: 'string' },
    kind: { enum: ['a', 'b'] },
    sure: { type: 'boolean' },
    tags: { type: 'array' },
    extra: { type: 'string' },
  },
  required: ['title', 'kind', 'sure', 'tags'],
};
const title = say(
  '<session>\nMake me a\n program, please, as well as you can, with tests\n</session>\n\nWrite the title …',
  {
    tools: [],
    output_config: { format: { type: 'json_schema', schema } },
  },
);
const quota = say('quota', { max_tokens: 1 });
const catchAll: Script = [{ name: 'all', when: always, answer: [text('mine')] }];

test('a title is made of the words of the session, in the wanted shape, and passes a catch-all rule by', async () => {
  const { text: answer, model } = await ask(catchAll, title);
  expect(JSON.parse(answer)).toEqual({
    title: 'Make me a program, please, as well as yo',
    kind: 'a',
    sure: false,
    tags: [],
  });
  expect(model.requests()[0]).toMatchObject({ sideCall: 'structured', rule: 'side call: structured' });
});

test('the quota probe gets its one token', async () => {
  const { text: answer, model } = await ask([], quota);
  expect(answer).toBe('ok');
  expect(model.unexpected()).toEqual([]);
});

test('a rule that wants side calls takes them over', async () => {
  const { text: answer } = await ask(
    [{ name: 'mine', when: always, answer: [text('{"title":"own"}')], sideCalls: true }],
    title,
  );
  expect(answer).toBe('{"title":"own"}');
});

test('strict leaves them to the script', async () => {
  expect((await ask(catchAll, quota, 'strict')).text).toBe('mine');
  const { status, model } = await ask([], quota, 'strict');
  expect(status).toBe(500);
  expect(model.unexpected()).toHaveLength(1);
});
