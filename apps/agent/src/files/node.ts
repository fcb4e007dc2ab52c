/** A file or folder as people see it. It does not know how it was reached. */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';

import type { FileNode } from '@remote-claude/contract';

/** Strong: another content has another one, as far as the disk's clock can tell. Written as in an ETag header. */
export const etagOf = (stat: BigIntStats): string =>
  `"${createHash('sha256').update(`${stat.ino}-${stat.mtimeNs}-${stat.size}`).digest('base64url').slice(0, 22)}"`;

const kindOf = (stat: BigIntStats): FileNode['kind'] => {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'folder';
  return stat.isSymbolicLink() ? 'link' : 'other';
};

export const nodeOf = (path: string, stat: BigIntStats, target: string | null): FileNode => {
  const kind = kindOf(stat);
  return {
    name: path.slice(path.lastIndexOf('/') + 1),
    path,
    kind,
    size: kind === 'folder' ? 0 : Number(stat.size),
    modifiedAt: new Date(Number(stat.mtimeMs)).toISOString(),
    mode: Number(stat.mode) & 0o7777,
    etag: kind === 'file' ? etagOf(stat) : null,
    target,
  };
};

/** `path` without doubled or trailing slashes. */
export const tidy = (path: string): string => path.split('/').filter(Boolean).join('/');

/** Text that sorts as people count: `file9` before `file10`, capitals beside small letters. */
const sortKey = (name: string): string =>
  name.toLowerCase().replaceAll(/\d+/g, (digits) => {
    const number = digits.replace(/^0+(?=\d)/, '');
    return String.fromCharCode(0x30 + Math.min(number.length, 200)) + number;
  });

/** Folders first, then by name. */
export const inOrder = (nodes: FileNode[]): FileNode[] => {
  const keyed = nodes.map((node) => ({ node, key: `${node.kind === 'folder' ? '0' : '1'}${sortKey(node.name)}` }));
  keyed.sort((a, b) => {
    if (a.key !== b.key) return a.key < b.key ? -1 : 1;
    return a.node.name < b.node.name ? -1 : 1;
  });
  return keyed.map((entry) => entry.node);
};
