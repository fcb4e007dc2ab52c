/** One icon per kind of file, of one family and one size. */
import { createElement } from 'react';
import {
  Braces,
  File,
  FileArchive,
  FileCode,
  FileImage,
  FileQuestionMark,
  FileSymlink,
  FileText,
  Folder,
  FolderOpen,
} from 'lucide-react';
import type { FileNode } from '@remote-claude/contract';

import { languageOf } from '../../lib/highlight';

const byExtension = new Map([
  ...['json', 'jsonc', 'yaml', 'yml', 'toml'].map((extension) => [extension, Braces] as const),
  ...['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'svg', 'ico', 'bmp'].map(
    (extension) => [extension, FileImage] as const,
  ),
  ...['md', 'txt', 'rst', 'log', 'pdf'].map((extension) => [extension, FileText] as const),
  ...['zip', 'gz', 'tgz', 'tar', 'xz', 'bz2', '7z'].map((extension) => [extension, FileArchive] as const),
]);

const iconOf = ({ kind, name }: Pick<FileNode, 'kind' | 'name'>, open: boolean) => {
  if (kind === 'folder') return open ? FolderOpen : Folder;
  if (kind === 'link') return FileSymlink;
  if (kind === 'other') return FileQuestionMark;
  const extension = name.includes('.') ? (name.split('.').at(-1) ?? '').toLowerCase() : '';
  return byExtension.get(extension) ?? (extension !== '' && languageOf(extension) !== null ? FileCode : File);
};

export const FileIcon = ({ node, open = false }: { node: Pick<FileNode, 'kind' | 'name'>; open?: boolean }) => {
  const className = node.kind === 'folder' ? 'shrink-0 text-muted' : 'shrink-0 text-faint';
  return createElement(iconOf(node, open), { size: 15, 'aria-hidden': true, className });
};
