import { expect, test } from 'vitest';
import { createLog, sinkOf } from './log.js';
import { createLogContext } from './log-context.js';

function collect(plain: boolean) {
  let text = '';
  const log = createLog({ level: 'info', plain, sink: { write: (line) => (text += line) } });
  return { log, text: () => text };
}

test('secrets are redacted wherever a request or a client puts them', () => {
  const { log, text } = collect(false);
  const headers = {
    authorization: 'canary',
    cookie: 'canary',
    'x-api-key': 'canary',
    'set-cookie': 'canary',
    host: 'h',
  };
  log.info({ req: { method: 'GET', headers } }, 'request');
  log.info({ headers, password: 'canary', body: { password: 'canary', token: 'canary' } }, 'other');
  log.info({ upstream: { headers }, apiKey: 'canary' }, 'upstream');
  expect(text()).not.toContain('canary');
  expect(text()).toContain('"host":"h"');
  expect(text()).toContain('"method":"GET"');
});

test('each line is one JSON object with level and time, and the level is kept to', () => {
  const { log, text } = collect(false);
  log.debug('hidden');
  log.warn({ port: 1 }, 'seen');
  const lines = text().trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', msg: 'seen', port: 1 });
  expect(Date.parse(JSON.parse(lines[0] ?? '').time)).toBeGreaterThan(0);
});

test('plain lines carry fields and stacks, and no control characters', () => {
  const { log, text } = collect(true);
  log.error({ err: new Error('broken'), path: 'a\u001b[31m\nb' }, 'it failed');
  expect(text()).toMatch(/^\d\d:\d\d:\d\d error it failed path=a\\u001b\[31m\\nb\n {2}Error: broken\n {2}/);
});

test('each line says the role, and on whose behalf it is written, whoever writes it', async () => {
  let text = '';
  const context = createLogContext();
  const log = createLog({
    level: 'info',
    plain: false,
    role: 'api',
    context,
    sink: { write: (line) => (text += line) },
  });
  const deep = async (what: string): Promise<void> => {
    await Promise.resolve();
    log.info({ sessionId: 'mine' }, what);
  };
  await Promise.all([
    context.run({ requestId: 'one', sessionId: 'two' }, () => deep('first')),
    context.run({ requestId: 'three' }, () => deep('second')),
  ]);
  await deep('outside');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ role, requestId, sessionId, msg }) => [role, requestId, sessionId, msg])).toEqual([
    ['api', 'one', 'mine', 'first'],
    ['api', 'three', 'mine', 'second'],
    ['api', undefined, 'mine', 'outside'],
  ]);
  // No name twice in a line.
  expect(text).not.toMatch(/"sessionId".*"sessionId"/);
});

test('what the file does not take goes to the console, whether or not that is wanted for the rest', () => {
  const [onConsole, inFile]: string[][] = [[], []];
  let takes = true;
  const screen = { write: (line: string) => onConsole?.push(line) };
  const file = {
    write(line: string) {
      inFile?.push(line);
      return takes;
    },
    close: async () => {},
  };
  const [fileAlone, both] = [sinkOf(screen, file, false), sinkOf(screen, file, true)];
  fileAlone.write('a');
  both.write('b');
  takes = false;
  fileAlone.write('c');
  both.write('d');
  sinkOf(screen, null, true).write('e');
  expect([onConsole, inFile]).toEqual([
    ['b', 'c', 'd', 'e'],
    ['a', 'b', 'c', 'd'],
  ]);
});
