// What the walk of all routes does with files and uploads of a session. It checks nobody's rights.

import { expect } from 'vitest';

import type { Call } from './calls.js';

const tus = { 'tus-resumable': '1.0.0' };
const base64 = (value: string): string => Buffer.from(value).toString('base64');

/** `found` is where an upload and a version are kept for the next act. */
export const fileActs = ({ session, found }: { session: () => Call; found: { uploadId: string; etag: string } }) => {
  const file = (path: string): Call => ({ params: { ...session().params, '*': path } });
  const upload = (): Call => ({ params: { ...session().params, uploadId: found.uploadId } });
  const as = 'owner' as const;
  return {
    'files.mkdir': { as, status: 201, call: () => ({ ...session(), body: { path: 'a/folder' } }) },
    'files.put': {
      as,
      status: 201,
      call: () => ({ ...file('a/folder/notes.txt'), raw: 'noted', headers: { 'if-none-match': '*' } }),
      check: ({ etag }: { etag: string }) => void (found.etag = etag),
    },
    'files.list': {
      as,
      status: 200,
      call: () => ({ ...session(), query: { path: 'a/folder' } }),
      check: (body: unknown) => expect(body).toMatchObject({ items: [{ name: 'notes.txt', size: 5 }] }),
    },
    'files.move': {
      as,
      status: 200,
      call: () => ({ ...session(), body: { path: 'a/folder/notes.txt', to: 'notes.txt' } }),
    },
    'files.get': {
      as,
      status: 200,
      call: () => file('notes.txt'),
      check: async (_body: unknown, answer: Response) =>
        expect(answer.headers.get('content-security-policy')).toContain('sandbox'),
    },
    'files.delete': { as, status: 200, call: () => ({ ...file('a'), query: { recursive: '1' } }) },
    'uploads.options': {
      as,
      status: 204,
      call: session,
      check: (_body: unknown, answer: Response) =>
        expect(Object.fromEntries(answer.headers)).toMatchObject({
          'tus-version': '1.0.0',
          'tus-extension': expect.stringContaining('creation') as string,
          'tus-max-size': String(10 * 1024 ** 3),
        }),
    },
    'uploads.create': {
      as,
      status: 201,
      call: () => ({
        ...session(),
        headers: { ...tus, 'upload-length': '5', 'upload-metadata': `filename ${base64('uploaded.txt')}` },
      }),
      check: (_body: unknown, answer: Response) =>
        void (found.uploadId = answer.headers.get('location')?.split('/').at(-1) ?? ''),
    },
    'uploads.status': {
      as,
      status: 200,
      call: () => ({ ...upload(), headers: tus }),
      check: (_body: unknown, answer: Response) => expect(answer.headers.get('upload-offset')).toBe('0'),
    },
    'uploads.append': {
      as,
      status: 204,
      call: () => ({
        ...upload(),
        raw: 'abc',
        headers: { ...tus, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
      }),
    },
    'uploads.cancel': { as, status: 204, call: () => ({ ...upload(), headers: tus }) },
  };
};
