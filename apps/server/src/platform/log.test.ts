import { expect, test } from 'vitest';
import { createLog } from './log.js';

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
