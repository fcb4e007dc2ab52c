import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';

import { createUploadLimit } from './upload-limit.js';

const limit = createUploadLimit(2048);
const refusal = { code: 'payload_too_large', message: expect.stringContaining('2KiB') as unknown };
const body = (...parts: number[]) => Readable.from(parts.map((bytes) => Buffer.alloc(bytes)));

describe('the largest upload', () => {
  test.each([
    ['a length', '2049', undefined],
    ['a length behind an offset', '49', '2000'],
  ])('%s past it is refused before anything is read', (_name, length, offset) => {
    expect(() => limit.check(length, offset)).toThrow(expect.objectContaining(refusal));
  });

  test.each([
    ['just enough', '2048', undefined],
    ['just enough behind an offset', '48', '2000'],
    ['no length', undefined, undefined],
    ['what is no number', 'many', '0'],
  ])('%s is let through', (_name, length, offset) => {
    expect(() => limit.check(length, offset)).not.toThrow();
  });

  test('what comes without a length passes whole, and is cut where it passes the limit', async () => {
    expect(await limit.hold(body(1024, 1024), buffer)).toHaveLength(2048);
    await expect(limit.hold(body(1024, 1024, 1), buffer)).rejects.toMatchObject(refusal);
  });

  test('a sender that goes cuts what is sent on, with its own reason', async () => {
    const gone = new Readable({ read() {} });
    gone.push('half');
    const sent = limit.hold(gone, buffer);
    gone.destroy();
    await expect(sent).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });

  test('a refusal of the receiver stays what it is', async () => {
    await expect(limit.hold(body(10), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});
