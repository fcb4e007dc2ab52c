import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';

import { readCallBody } from './call-body.js';
import { createModelRules } from './models.js';

const site = createModelRules(['sonnet', 'claude-opus-5']);

describe('the models of a site', () => {
  test.each([
    ['sonnet', true],
    ['Sonnet[1m]', true],
    ['claude-sonnet-5', true],
    ['claude-3-7-sonnet-20250219', true],
    ['us.anthropic.claude-sonnet-4-5-v1:0', true],
    ['claude-opus-5', true],
    ['claude-opus-5-20260101', true],
    ['claude-opus-5@20260101', true],
    ['claude-opus-5-5', false],
    ['opus', false],
    ['claude-haiku-4-5', false],
    ['sonnets-of-another', false],
    ['', false],
  ])('%s: %s', (model, allowed) => {
    expect(site.allows(model)).toBe(allowed);
  });

  test('the refusal names those that are allowed', () => {
    expect(() => site.require('haiku')).toThrow(
      expect.objectContaining({
        code: 'unsupported_option',
        message: 'The model haiku is not allowed here. Allowed are: sonnet, claude-opus-5.',
      }),
    );
  });

  test('an empty list allows any', () => {
    expect(createModelRules([]).allows('whatever-7')).toBe(true);
  });
});

describe('the body of a call', () => {
  const read = (text: string) => {
    const body = new PassThrough();
    body.end(text);
    return readCallBody(body as never);
  };

  test('is sent as it was judged, also where a name stands in it twice', async () => {
    const body = await read('{"model":"claude-sonnet-5","max_tokens":1,"mod\\u0065l":"claude-haiku-4-5"}');
    if (body === null || typeof body === 'string') throw new Error('not read');
    expect(body.model).toBe('claude-haiku-4-5');
    expect(body.bytes.toString()).toBe('{"model":"claude-haiku-4-5","max_tokens":1}');
  });

  test.each([['{'], ['[]'], ['null'], ['']])('%j is no call', async (text) => {
    expect(await read(text)).toBe('not_json');
  });

  test('one without a model has none', async () => {
    expect(await read('{"model":5}')).toMatchObject({ model: null });
  });

  test('one that breaks off is nobody’s', async () => {
    const body = new PassThrough();
    body.write('{"model"');
    const read = readCallBody(body as never);
    body.destroy(new Error('gone'));
    expect(await read).toBeNull();
  });
});
