/** What a test does to a running answer: gates, silence, cuts, errors in the stream, and what the next try gets. */
import { afterEach, expect, test } from 'vitest';
import {
  error,
  gate,
  halfStream,
  numbered,
  silence,
  start as begin,
  startScriptedModel,
  text,
  toolUse,
  userSays,
} from './index.js';
import type { Script, ScriptedModel } from './index.js';
import { messageIdOf, post, say, stream } from './testing/client.js';

const open: ScriptedModel[] = [];
const start = async (script: Script): Promise<ScriptedModel> => {
  const model = await startScriptedModel({ script });
  open.push(model);
  return model;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((model) => model.close()));
});

const deltas = (events: readonly { event: string }[]): number =>
  events.filter(({ event }) => event === 'content_block_delta').length;

test('a gate holds one text in its middle until it is released', async () => {
  const model = await start([
    { name: 'held', when: userSays('go'), answer: [numbered(3), gate('half'), numbered(3, { from: 4 })] },
  ]);
  const seen: string[] = [];
  const answer = stream(model.url, say('go'), ({ event }) => void seen.push(event));
  await model.control.untilWaiting('half');
  await expect.poll(() => seen.filter((event) => event === 'content_block_delta').length).toBe(3);
  expect(seen).not.toContain('content_block_stop');
  expect(model.requests()[0]?.outcome).toBe('pending');
  model.control.release('half');
  expect((await answer).text.trim().split(' ')).toEqual([1, 2, 3, 4, 5, 6].map((n) => `token-000${n}`));
  expect((await answer).events.filter(({ event }) => event === 'content_block_start')).toHaveLength(1);
  expect(model.control.waiting('half')).toBe(0);
  expect((await stream(model.url, say('go'))).text).toContain('token-0006');
  model.control.hold('half');
  const again = stream(model.url, say('go'));
  await model.control.untilWaiting('half');
  model.control.release('half');
  expect((await again).broken).toBe(false);
});

test('a gate that nobody reaches is a named error', async () => {
  const model = await start([]);
  await expect(model.control.untilWaiting('never', { timeoutMs: 20 })).rejects.toThrow(
    '0 of 1 answers reached the gate "never"',
  );
});

test('a client that leaves frees its gate and is recorded as aborted', async () => {
  const model = await start([{ name: 'held', when: userSays('go'), answer: [text('a '), gate('g'), text('b')] }]);
  const leaving = new AbortController();
  const response = await post(model.url, say('go', { stream: true }), { signal: leaving.signal });
  await model.control.untilWaiting('g');
  leaving.abort();
  await expect(response.text()).rejects.toThrow();
  await expect.poll(() => model.requests()[0]?.outcome).toBe('aborted');
  expect(model.control.waiting('g')).toBe(0);
});

test('half a stream ends after exactly so many deltas; the next try gets the whole under another id', async () => {
  const model = await start([
    { name: 'cut', when: userSays('go'), answer: [halfStream(5), numbered(20)], times: 1 },
    { name: 'whole', when: userSays('go'), answer: [numbered(20)] },
  ]);
  const first = await stream(model.url, say('go'));
  expect([first.broken, deltas(first.events)]).toEqual([true, 5]);
  expect(first.events.at(-1)?.event).toBe('content_block_delta');
  const second = await stream(model.url, say('go'));
  expect([second.broken, deltas(second.events)]).toEqual([false, 20]);
  expect(messageIdOf(second)).not.toBe(messageIdOf(first));
  expect(model.requests().map(({ outcome, attempt }) => [outcome, attempt])).toEqual([
    ['cut', 1],
    ['answered', 2],
  ]);
  expect(model.retries()).toBe(1);
});

test('a cut behind the last delta takes the end away', async () => {
  const model = await start([{ name: 'cut', when: userSays('go'), answer: [halfStream(50), numbered(3)] }]);
  const answer = await stream(model.url, say('go'));
  expect([answer.broken, deltas(answer.events), answer.events.at(-1)?.event]).toEqual([true, 3, 'content_block_delta']);
});

test('half a tool call and half a JSON body break too', async () => {
  const model = await start([
    { name: 'cut', when: userSays('go'), answer: [halfStream(1), toolUse('Bash', { command: 'x'.repeat(200) })] },
  ]);
  const streamed = await stream(model.url, say('go'));
  expect([streamed.broken, deltas(streamed.events)]).toEqual([true, 1]);
  const whole = await post(model.url, say('go'));
  await expect(whole.json()).rejects.toThrow();
});

test('silence before the start withholds the headers; after it, the stream is open and quiet', async () => {
  const model = await start([
    { name: 'early', when: userSays('early'), answer: [silence(60_000), text('late')] },
    { name: 'late', when: userSays('late'), answer: [begin(), silence(60_000), text('late')] },
  ]);
  await expect(post(model.url, say('early', { stream: true }), { signal: AbortSignal.timeout(300) })).rejects.toThrow(
    /timeout/i,
  );
  const response = await post(model.url, say('late', { stream: true }));
  const reader = response.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('event: message_start');
  await reader?.cancel();
  await expect.poll(() => model.requests().map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted']);
});

test('silence in the middle delays what follows', async () => {
  const model = await start([{ name: 'pause', when: userSays('go'), answer: [text('a '), silence(150), text('b')] }]);
  const times: number[] = [];
  await stream(
    model.url,
    say('go'),
    ({ event }) => void (event === 'content_block_delta' && times.push(performance.now())),
  );
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100);
});

test('words keep their pace', async () => {
  const model = await start([{ name: 'slow', when: userSays('go'), answer: [numbered(10, { delayMs: 20 })] }]);
  const began = performance.now();
  await stream(model.url, say('go'));
  expect(performance.now() - began).toBeGreaterThanOrEqual(195);
});

test('an error in mid-stream is an error event, and the stream ends there', async () => {
  const model = await start([{ name: 'late', when: userSays('go'), answer: [numbered(2), error(529)] }]);
  const answer = await stream(model.url, say('go'));
  expect([answer.status, answer.broken]).toEqual([200, false]);
  expect(answer.events.at(-1)).toMatchObject({
    event: 'error',
    data: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
  });
  expect((await post(model.url, say('go'))).status).toBe(529);
});

test('a repeated request has the same ids whatever volatile fields say; another session or word does not', async () => {
  const model = await start([{ name: 'tool', when: userSays(/./), answer: [toolUse('Bash', { command: 'ls' })] }]);
  const user = (session: string, device: string): object => ({
    metadata: { user_id: JSON.stringify({ device_id: device, session_id: session }) },
  });
  const first = await stream(model.url, say('go', user('s1', 'd1')));
  const variant = {
    ...user('s1', 'd2'),
    max_tokens: 77,
    system: 'x-anthropic-billing-header: cc_version=2;',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: '<system-reminder>new</system-reminder>' },
          { type: 'text', text: 'go', cache_control: { type: 'ephemeral' } },
        ],
      },
      { role: 'system', content: 'Later words.' },
    ],
  };
  expect(messageIdOf(await stream(model.url, say('go', variant)))).toBe(messageIdOf(first));
  expect(model.retries()).toBe(1);
  expect(messageIdOf(await stream(model.url, say('go', user('s2', 'd1'))))).not.toBe(messageIdOf(first));
  expect(messageIdOf(await stream(model.url, say('gone', user('s1', 'd1'))))).not.toBe(messageIdOf(first));
  expect(model.retries()).toBe(1);
});

test('a repeated request keeps its answer even where the rule would answer otherwise by now', async () => {
  let asked = 0;
  const model = await start([{ name: 'counts', when: userSays(/./), answer: () => [text(`answer ${(asked += 1)}`)] }]);
  expect((await stream(model.url, say('a'))).text).toBe('answer 1');
  expect((await stream(model.url, say('b'))).text).toBe('answer 2');
  expect((await stream(model.url, say('a'))).text).toBe('answer 1');
});

test('the script can be changed, and connections dropped, while the server runs', async () => {
  const model = await start([{ name: 'old', when: userSays('go'), answer: [text('old '), gate('g'), text('end')] }]);
  const held = stream(model.url, say('go'));
  await model.control.untilWaiting('g');
  model.control.dropConnections();
  expect((await held).broken).toBe(true);
  model.control.setScript([{ name: 'new', when: userSays('go'), answer: [text('new')] }]);
  expect((await stream(model.url, say('go'))).text).toBe('new');
});

test('closing ends what is held', async () => {
  const model = await start([{ name: 'held', when: userSays('go'), answer: [text('a '), gate('g')] }]);
  const held = stream(model.url, say('go'));
  await model.control.untilWaiting('g');
  await model.close();
  expect((await held).broken).toBe(true);
});
