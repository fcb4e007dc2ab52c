/**
 * Claude Code's record of a conversation as a file: where it is, and what stands in it up to a point. What its lines mean is
 * Claude Code's own matter, but for their id.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { AppError } from '@remote-claude/contract';

import { linesOf, parsed } from './lines.js';

export interface ConversationFile {
  path: string;
  /** It only ever grows: what is there now is its beginning for ever. */
  bytes: number;
}

export interface Cut {
  /** Not a byte after these. */
  bytes: number;
  /** Not a line after the one with this id; null for all of them. */
  lastId: string | null;
}

const maxNameUnits = 200;

/** The name that Claude Code gives to what it keeps of a folder. */
const nameOf = (folder: string): string => {
  const name = folder.replace(/[^a-zA-Z0-9]/g, '-');
  if (name.length <= maxNameUnits) return name;
  let sum = 0;
  for (let index = 0; index < folder.length; index += 1) sum = ((sum << 5) - sum + folder.charCodeAt(index)) | 0;
  return `${name.slice(0, maxNameUnits)}-${Math.abs(sum).toString(36)}`;
};

const folderOf = (home: string): string => join(home, '.claude', 'projects');

/** Where Claude Code looks for the conversations of a work tree, whose path has no links. */
export const projectFolder = (home: string, workspace: string): string => join(folderOf(home), nameOf(workspace));

/** Null where Claude Code has no record of it. */
export const findConversation = async (home: string, id: string): Promise<ConversationFile | null> => {
  const names = await readdir(folderOf(home)).catch(() => []);
  for (const name of names) {
    const path = join(folderOf(home), name, `${id}.jsonl`);
    const found = await stat(path).catch(() => null);
    if (found?.isFile() === true) return { path, bytes: found.size };
  }
  return null;
};

/** Its lines up to the cut, in pieces. Throws where the line that is the last of it is not there. */
export async function* readConversation(path: string, { bytes, lastId }: Cut): AsyncGenerator<Buffer> {
  if (bytes === 0) return;
  for await (const line of linesOf(createReadStream(path, { end: bytes - 1 }))) {
    yield line;
    if (lastId !== null && line.includes(lastId) && idOf(line) === lastId) return;
  }
  if (lastId !== null) {
    throw new AppError('conflict', {
      message: "Claude's memory does not reach back to this point any more. Fork from another message.",
    });
  }
}

const idOf = (line: Buffer): unknown => parsed(line)?.['uuid'];
