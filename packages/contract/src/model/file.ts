/** A file or folder of a work tree. Paths are relative to it, with `/`, without a leading one; the root is ''. */
import { z } from 'zod';

import { timestamp } from '../ids.js';

/** What a person may name. The agent's descriptor walk decides what it reaches. */
export const treePath = z
  .string()
  .max(4_096)
  .refine((path) => !path.includes('\0'), 'A path cannot contain a NUL character.')
  .refine((path) => !path.startsWith('/'), 'Give the path relative to the work tree, without a leading slash.')
  .refine(
    (path) => !path.split('/').some((part) => part === '..' || part === '.'),
    'A path cannot contain "." or "..".',
  );

export const fileKind = z.enum(['file', 'folder', 'link', 'other']);

export const fileNode = z.object({
  name: z.string(),
  path: z.string(),
  kind: fileKind,
  /** Bytes; 0 for folders. */
  size: z.number().nonnegative(),
  modifiedAt: timestamp,
  /** Unix permission bits. */
  mode: z.int(),
  /** Version of a file's content, as sent in ETag; null for what is not a file. */
  etag: z.string().nullable(),
  /** Where a link points, as written in it. */
  target: z.string().nullable(),
});
export type FileNode = z.infer<typeof fileNode>;

/** One step of what changed on the disk: `gone` or `there` (made or rewritten). */
export const fileChange = z.object({ path: z.string(), change: z.enum(['there', 'gone']) });
export type FileChange = z.infer<typeof fileChange>;

/** What is spoken of the tus protocol. */
export const tusProtocol = { version: '1.0.0', extensions: 'creation,expiration,termination' } as const;
