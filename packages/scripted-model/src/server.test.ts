/** The protocol: events, messages, keys, errors, counts, records. */
import { afterEach, expect, test } from 'vitest';
import { error, numbered, startScriptedModel, stop, text, thinking, toolUse, userSays } from './index.js';
import type { ScriptedModel, ScriptedModelOptions } from './index.js';
import { messageIdOf, post, say, stream } from './testing/client.js';

const open: ScriptedModel[] = [];
const start = async (options: ScriptedModelOptions): Promise<ScriptedModel> => {
  const model = await startScriptedModel(options);
  open.push(model);
  return model;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((model) => model.close()));
});

const all = [
  {
    name: 'tools',
    when: userSays('work'),
    answer: [
      thinking('I think so.'),
      text('Two '),
      text('calls.'),
      toolUse('Bash', { command: 'ls -la' }),
      toolUse('Read', { file_path: '/a' }),
    ],
  },
  { name: 'long', when: userSays('long'), answer: [numbered(1_200)] },
  { name: 'stop', when: userSays('refuse'), answer: [text('No.'), stop('refusal')] },
  { name: 'plain', when: userSays(/hello/i), answer: [text('Hello to you.')] },
];

test('a stream has the events of the Messages API in their order', async () => {
  const model = await start({ script: all });
  const answer = await stream(model.url, say('work'));
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  expect(answer.headers.get('request-id')).toMatch(/^req_/);
  const order = answer.events.map(({ event }) => event).filter((event, index, events) => event !== events[index - 1]);
  const block = ['content_block_start', 'content_block_delta', 'content_block_stop'];
  expect(order).toEqual([
    'message_start',
    'content_block_start',
    'ping',
    ...block.slice(1),
    ...block,
    ...block,
    ...block,
    'message_delta',
    'message_stop',
  ]);
  expect(answer.events.every(({ event, data }) => data['type'] === event)).toBe(true);
  const blocks = answer.events
    .filter(({ event }) => event === 'content_block_start')
    .map(({ data }) => data['content_block'] as { type: string });
  expect(blocks.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use', 'tool_use']);
  expect(answer.text).toBe('Two calls.');
  const json = answer.events
    .filter(({ data }) => data['index'] === 2)
    .map(({ data }) => (data['delta'] as { partial_json?: string } | undefined)?.partial_json ?? '')
    .join('');
  expect(JSON.parse(json)).toEqual({ command: 'ls -la' });
  expect(answer.events.some(({ data }) => (data['delta'] as { signature?: string } | undefined)?.signature)).toBe(true);
  const end = answer.events.find(({ event }) => event === 'message_delta')?.data;
  expect(end).toMatchObject({ delta: { stop_reason: 'tool_use', stop_sequence: null } });
  expect((end?.['usage'] as { output_tokens: number } | undefined)?.output_tokens).toBeGreaterThan(5);
});

test('without a stream the same message comes whole, with the same ids', async () => {
  const model = await start({ script: all });
  const streamed = await stream(model.url, say('work'));
  const whole = (await (await post(model.url, say('work'))).json()) as { id: string; content: { id?: string }[] };
  expect(whole).toMatchObject({
    id: messageIdOf(streamed),
    type: 'message',
    role: 'assistant',
    stop_reason: 'tool_use',
    content: [
      { type: 'thinking', thinking: 'I think so.' },
      { type: 'text', text: 'Two calls.' },
      { type: 'tool_use', name: 'Bash', input: { command: 'ls -la' } },
      { type: 'tool_use', name: 'Read' },
    ],
  });
  const ids = streamed.events.flatMap(({ data }) => (data['content_block'] as { id?: string } | undefined)?.id ?? []);
  expect(ids).toHaveLength(2);
  expect(new Set(ids).size).toBe(2);
  expect(whole.content.flatMap(({ id }) => id ?? [])).toEqual(ids);
  expect(model.retries()).toBe(1);
});

test('numbered words come one by one, and a thousand and more are not lost', async () => {
  const model = await start({ script: all });
  const answer = await stream(model.url, say('long', { max_tokens: 100_000 }));
  const words = answer.text.trim().split(' ');
  expect(words).toHaveLength(1_200);
  expect([words[0], words.at(-1)]).toEqual(['token-0001', 'token-1200']);
  expect(answer.events.filter(({ event }) => event === 'content_block_delta')).toHaveLength(1_200);
});

test('max_tokens cuts the text and says so; a script can name another reason', async () => {
  const model = await start({ script: all });
  const cut = await stream(model.url, say('long', { max_tokens: 30 }));
  expect(cut.events.find(({ event }) => event === 'message_delta')?.data).toMatchObject({
    delta: { stop_reason: 'max_tokens' },
    usage: { output_tokens: 28 },
  });
  expect(cut.text.trim().split(' ').at(-1)).toBe('token-0010');
  const refusal = (await (await post(model.url, say('refuse'))).json()) as object;
  expect(refusal).toMatchObject({ stop_reason: 'refusal' });
});

test('another key gets the 401 of the Messages API; both ways to send a key work', async () => {
  const model = await start({ script: all, apiKey: 'right' });
  for (const headers of [{}, { 'x-api-key': 'wrong' }, { authorization: 'Bearer wrong' }, { 'x-api-key': 'righ' }]) {
    const refused = await post(model.url, say('hello'), { headers });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toEqual({
      type: 'error',
      error: { type: 'authentication_error', message: 'invalid x-api-key' },
      request_id: refused.headers.get('request-id'),
    });
  }
  expect((await post(model.url, say('hello'), { headers: { 'x-api-key': 'right' } })).status).toBe(200);
  expect((await post(model.url, say('hello'), { headers: { authorization: 'Bearer right' } })).status).toBe(200);
  expect(model.unexpected()).toEqual([]);
});

test('bad requests get 400, 404, 405 and 413 in the shape of the Messages API', async () => {
  const model = await start({ script: all });
  const typeOf = async (response: Response): Promise<unknown> =>
    ((await response.json()) as { error: { type: string } }).error.type;
  const bad: [unknown, RegExp][] = [
    ['{"model":', /not valid JSON/],
    [[], /body/],
    [{ model: 'm', max_tokens: 5 }, /messages/],
    [{ model: 'm', messages: [{ role: 'user', content: 'x' }] }, /max_tokens/],
    [{ model: 'm', max_tokens: 5, messages: [{ role: 'robot', content: 'x' }] }, /messages\.0\.role/],
  ];
  for (const [body, message] of bad) {
    const response = await post(model.url, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) as string },
    });
  }
  const wrongMethod = await fetch(`${model.url}/v1/messages`);
  expect([wrongMethod.status, await typeOf(wrongMethod)]).toEqual([405, 'invalid_request_error']);
  const large = await post(model.url, say('x'.repeat(33 * 1024 * 1024)));
  expect([large.status, await typeOf(large)]).toEqual([413, 'request_too_large']);
  expect(model.unexpected()).toEqual([]);
  const elsewhere = await post(model.url, {}, { path: '/v1/complete' });
  expect([elsewhere.status, await typeOf(elsewhere)]).toEqual([404, 'not_found_error']);
  expect(model.unexpected()).toEqual(['POST /v1/complete']);
  expect((await fetch(`${model.url}/api/hello`, { method: 'HEAD' })).status).toBe(200);
});

test('tokens are counted alike by both routes, and the parts of a usage add up', async () => {
  const model = await start({ script: all });
  const cached = say('hello', {
    system: [{ type: 'text', text: 'You are terse.', cache_control: { type: 'ephemeral' } }],
    messages: [
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
      { role: 'user', content: 'hello again' },
    ],
  });
  const { input_tokens: counted } = (await (
    await post(model.url, cached, { path: '/v1/messages/count_tokens' })
  ).json()) as { input_tokens: number };
  const { usage } = (await (await post(model.url, cached)).json()) as { usage: Record<string, number> };
  const {
    input_tokens: fresh = 0,
    cache_read_input_tokens: read = 0,
    cache_creation_input_tokens: written = 0,
  } = usage;
  expect(fresh + read + written).toBe(counted);
  expect([fresh, written]).toEqual([Math.ceil('hello again'.length / 4), Math.ceil('two'.length / 4)]);
  expect(read).toBeGreaterThan(0);
});

test('a call that no rule matches is a 500 that names it, is not to be retried, and is recorded', async () => {
  const model = await start({ script: all });
  const response = await post(model.url, say('something nobody expects'));
  expect(response.status).toBe(500);
  expect(response.headers.get('x-should-retry')).toBe('false');
  expect(await response.json()).toMatchObject({
    error: { type: 'api_error', message: expect.stringContaining('something nobody expects') as string },
  });
  expect(model.unexpected()).toEqual(['model claude-opus-5-5, turn 1, the user says: something nobody expects']);
  expect(model.requests().at(-1)).toMatchObject({ outcome: 'unexpected', attempt: 1 });
});

test('a rule whose function fails, or answers nonsense, is an unexpected call that names the rule', async () => {
  const script = [
    {
      name: 'broken',
      when: userSays('throw'),
      answer: () => {
        throw new Error('no such thing');
      },
    },
    { name: 'nonsense', when: userSays('nonsense'), answer: () => [{ kind: 'txt' } as never] },
  ];
  const model = await start({ script });
  expect((await post(model.url, say('throw'))).status).toBe(500);
  expect((await post(model.url, say('nonsense'))).status).toBe(500);
  expect(model.unexpected()).toEqual(['no such thing', expect.stringContaining('"nonsense"')]);
});

test('a script with mistakes is refused with all of them named', async () => {
  const wrong = [
    { name: '', when: userSays('x'), answer: [] },
    { name: 'b', when: 'x', answer: [{ kind: 'error', status: 200 }] },
  ];
  await expect(startScriptedModel({ script: wrong as never })).rejects.toThrow(/\[0\]\.name[^]*\[1\]/);
  const twice = { name: 'same', when: [], answer: [text('x')] };
  await expect(startScriptedModel({ script: [twice, twice] })).rejects.toThrow('"same"');
});

test('requests are recorded with headers and body, the newest only, and unknown fields do not matter', async () => {
  const model = await start({ script: all, keepRequests: 2 });
  for (const word of ['a', 'b', 'c'])
    await post(model.url, say(`hello ${word}`, { new_field: { deep: [1] } }), {
      headers: { 'anthropic-beta': 'x-2026' },
    });
  expect(model.requests().map(({ conversation }) => conversation?.userText)).toEqual(['hello b', 'hello c']);
  expect(model.requests()[0]).toMatchObject({
    method: 'POST',
    path: '/v1/messages',
    rule: 'plain',
    outcome: 'answered',
    attempt: 1,
    headers: { 'anthropic-beta': 'x-2026' },
    body: { new_field: { deep: [1] } },
  });
});

test('a port in use is an error at the start', async () => {
  const model = await start({ script: all });
  await expect(startScriptedModel({ script: all, port: model.port })).rejects.toThrow('EADDRINUSE');
});

test('errors carry the type of their status, or the one that the script names', async () => {
  const model = await start({
    script: [
      { name: '429', when: userSays('limit'), answer: [error(429, { retryAfterS: 7 })] },
      { name: '529', when: userSays('busy'), answer: [error(529)] },
      { name: '400', when: userSays('own'), answer: [error(400, { type: 'own_error', message: 'mine' })] },
    ],
  });
  const limit = await post(model.url, say('limit', { stream: true }));
  expect([limit.status, limit.headers.get('retry-after')]).toEqual([429, '7']);
  expect(await limit.json()).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } });
  const busy = await post(model.url, say('busy'));
  expect([busy.status, ((await busy.json()) as { error: object }).error]).toEqual([
    529,
    { type: 'overloaded_error', message: 'Overloaded' },
  ]);
  expect(await (await post(model.url, say('own'))).json()).toMatchObject({
    error: { type: 'own_error', message: 'mine' },
  });
});
