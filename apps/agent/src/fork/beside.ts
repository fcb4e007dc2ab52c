/**
 * What Claude Code keeps beside a conversation, in the folder of its name: results of tools that were too long for it, and the
 * conversations of subagents. Which of it belongs to the conversation up to a point is told by what its lines name.
 */
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

import { linesOf, parsed } from './lines.js';

export interface BesideFile {
  /** From the folder on, with slashes. */
  name: string;
  path: string;
}

const maxFiles = 20_000;
const maxDepth = 8;
const suffix = '.jsonl';

export const folderBeside = (conversationPath: string): string => conversationPath.slice(0, -suffix.length);

/** Regular files, also those that Claude Code links to from another conversation's folder, in no order. */
const listFiles = async (conversationPath: string): Promise<BesideFile[]> => {
  const top = folderBeside(conversationPath);
  const projects = await realpath(dirname(dirname(conversationPath)));
  const files: BesideFile[] = [];
  const walk = async (folder: string, name: string, depth: number): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const [path, inner] = [join(folder, entry.name), name === '' ? entry.name : `${name}/${entry.name}`];
      if (entry.isDirectory()) {
        if (depth < maxDepth) await walk(path, inner, depth + 1);
        continue;
      }
      const real = entry.isSymbolicLink() ? await realpath(path).catch(() => '') : path;
      if (entry.isSymbolicLink() && !real.startsWith(projects + sep)) continue;
      const isFile = (await stat(real).catch(() => null))?.isFile() === true;
      if (isFile && files.length < maxFiles) files.push({ name: inner, path: real });
    }
  };
  await walk(top, '', 1);
  return files;
};

/** By what a file is named in a conversation: the id of a subagent or a call, or that of the run in whose folder it is. */
const keysOf = (name: string): string[] => {
  const [base = '', ...folders] = name.split('/').reverse();
  // The outermost says only what kind of file it is.
  return [base.replace(/^agent-/, ''), ...folders.slice(0, -1)].map((part) => part.replace(/\..*$/, ''));
};

const isPlain = (key: string): boolean => /^[\w-]+$/.test(key);
const shortestKey = 4;

export interface Beside {
  /** Reads which files a line of the conversation names, and until when the conversation goes. */
  see(line: Buffer): void;
  /** The files that were named, also by one another; each with its content, which of conversations ends when the main one does. */
  files(): AsyncGenerator<{ name: string; pieces: AsyncIterable<Buffer> }>;
}

export const openBeside = async (conversationPath: string): Promise<Beside> => {
  const byKey = new Map<string, BesideFile[]>();
  for (const file of await listFiles(conversationPath)) {
    for (const key of keysOf(file.name).filter(({ length }) => length >= shortestKey))
      byKey.set(key, [...(byKey.get(key) ?? []), file]);
  }
  const odd = [...byKey.keys()].filter((key) => !isPlain(key));
  const named = new Set<BesideFile>();
  let untilMs = -Infinity;

  const find = (key: string): void => {
    for (const file of byKey.get(key) ?? []) named.add(file);
    byKey.delete(key);
  };
  const look = (line: Buffer): void => {
    const text = line.toString('latin1');
    for (const [word] of text.matchAll(/[\w-]+/g)) if (byKey.has(word)) find(word);
    for (const key of odd) if (byKey.has(key) && line.includes(key)) find(key);
  };

  const conversation = async function* (path: string): AsyncGenerator<Buffer> {
    for await (const line of linesOf(createReadStream(path))) {
      const atMs = timeOf(line);
      if (atMs !== null && atMs > untilMs) return;
      look(line);
      yield line;
    }
  };

  return {
    see: (line) => {
      if (byKey.size === 0 && named.size === 0) return;
      untilMs = Math.max(untilMs, timeOf(line) ?? -Infinity);
      look(line);
    },
    files: async function* () {
      // It grows while it is gone through.
      for (const { name, path } of named)
        yield { name, pieces: name.endsWith(suffix) ? conversation(path) : createReadStream(path) };
    },
  };
};

const timeOf = (line: Buffer): number | null => {
  if (!line.includes('"timestamp"')) return null;
  const at = Date.parse(String(parsed(line)?.['timestamp']));
  return Number.isNaN(at) ? null : at;
};
