/** What a file on disk is, and its text where it has one. It does not know editors. */
import { AppError } from '@remote-claude/contract';

import { isCode } from '../../lib/client';
import { readContent } from '../../lib/open-files';

export type Content =
  | { kind: 'text'; text: string; etag: string }
  | { kind: 'binary'; size: number; etag: string }
  | { kind: 'large'; size: number; etag: string }
  /** Still the version that was asked about. */
  | { kind: 'same' }
  | { kind: 'missing' };

/** Above this a file is not opened to be edited. */
export const maxEditedBytes = 5 * 1024 * 1024;
/** Above this it is not shown at all: the page would stand still. */
export const maxShownBytes = 50 * 1024 * 1024;

const pictures = new Set(['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'ico', 'bmp']);
const extensionOf = (path: string): string => (/\.([^./]+)$/.exec(path)?.[1] ?? '').toLowerCase();

export const isPicture = (path: string): boolean => pictures.has(extensionOf(path));
export const isPdf = (path: string): boolean => extensionOf(path) === 'pdf';
/** Text that can be looked at as what it draws. */
export const previewOf = (path: string): 'markdown' | 'picture' | null => {
  const extension = extensionOf(path);
  if (extension === 'md' || extension === 'markdown') return 'markdown';
  return extension === 'svg' ? 'picture' : null;
};

/** null for what is not UTF-8 text. A byte order mark stays, to be written again. */
export const decodeText = (bytes: Uint8Array): string | null => {
  if (bytes.subarray(0, 8_192).includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
};

/** Reads a file unless it is still `etag`. Throws `AppError` for all but a missing file. */
export const loadContent = async (
  sessionId: string,
  path: string,
  { etag = null, maxBytes = maxEditedBytes }: { etag?: string | null; maxBytes?: number } = {},
): Promise<Content> => {
  let answer: Response;
  try {
    answer = await readContent(sessionId, path, etag);
  } catch (error) {
    if (isCode(error, 'not_found')) return { kind: 'missing' };
    throw error;
  }
  if (answer.status === 304) return { kind: 'same' };
  const version = answer.headers.get('etag') ?? '';
  const announced = Number(answer.headers.get('content-length') ?? 0);
  if (announced > maxBytes) {
    await answer.body?.cancel();
    return { kind: 'large', size: announced, etag: version };
  }
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await answer.arrayBuffer());
  } catch (cause) {
    throw new AppError('unavailable', { message: 'The line broke while the file was read. Try again.' }, { cause });
  }
  if (bytes.length > maxBytes) return { kind: 'large', size: bytes.length, etag: version };
  const text = decodeText(bytes);
  return text === null ? { kind: 'binary', size: bytes.length, etag: version } : { kind: 'text', text, etag: version };
};
