/**
 * Claude Code's record of a conversation as a file: found, read up to a point, and put where the Claude Code of another
 * session looks for it. What its lines mean is Claude Code's own matter, but for their id and the folder that they name.
 */
import { createReadStream, realpathSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { AppError } from '@remote-claude/contract';

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
/** Of one line. A picture in a message is one. */
const maxLineBytes = 64 * 1024 * 1024;
const maxFileBytes = 1024 * 1024 * 1024;
const newline = 0x0a;

/** The name that Claude Code gives to what it keeps of a folder. */
const nameOf = (folder: string): string => {
  const name = folder.replace(/[^a-zA-Z0-9]/g, '-');
  if (name.length <= maxNameUnits) return name;
  let sum = 0;
  for (let index = 0; index < folder.length; index += 1) sum = ((sum << 5) - sum + folder.charCodeAt(index)) | 0;
  return `${name.slice(0, maxNameUnits)}-${Math.abs(sum).toString(36)}`;
};

const folderOf = (home: string): string => join(home, '.claude', 'projects');

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

/** Each with its newline. What a crash left without one is no line. */
async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const line = Buffer.concat([...parts, chunk.subarray(from, at + 1)]);
      parts = [];
      held = 0;
      from = at + 1;
      yield line;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    held += chunk.length - from;
    if (held > maxLineBytes) throw new AppError('payload_too_large');
  }
}

const parsed = (line: Buffer): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(line.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
};
const idOf = (line: Buffer): unknown => parsed(line)?.['uuid'];

export interface ConversationWriter {
  write(piece: Buffer): Promise<void>;
  /** It is on the disk, under a name that nobody looks for yet. */
  finish(): Promise<void>;
  /** It is Claude Code's from now on. */
  place(): Promise<void>;
  /** Leaves nothing behind. Harmless after `place`. */
  abandon(): Promise<void>;
}

/** `movedFrom` is the work tree of the other session: a line that was said there was said here. */
export const writeConversation = async (
  { home, workspace }: { home: string; workspace: string },
  { id, movedFrom }: { id: string; movedFrom: string },
): Promise<ConversationWriter> => {
  const here = realpathSync(workspace);
  const folder = join(folderOf(home), nameOf(here));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${id}.jsonl`);
  const temporary = `${path}.new`;
  const handle = await open(temporary, 'w', 0o600);
  let isOpen = true;
  let waiting: Buffer[] = [];
  let held = 0;
  let written = 0;

  const close = async (): Promise<void> => {
    if (isOpen) await handle.close();
    isOpen = false;
  };
  const take = async (line: Buffer): Promise<void> => {
    const content = parsed(line);
    if (content === null)
      throw new AppError('upstream_failed', { message: 'The conversation came in pieces that are none.' });
    const isMoved = movedFrom !== here && content['cwd'] === movedFrom;
    const bytes = isMoved ? Buffer.from(`${JSON.stringify({ ...content, cwd: here })}\n`) : line;
    written += bytes.length;
    if (written > maxFileBytes) throw new AppError('payload_too_large');
    await handle.writeFile(bytes);
  };

  return {
    write: async (piece) => {
      let from = 0;
      for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, from)) {
        const line = Buffer.concat([...waiting, piece.subarray(from, at + 1)]);
        waiting = [];
        held = 0;
        from = at + 1;
        await take(line);
      }
      if (from === piece.length) return;
      waiting.push(Buffer.from(piece.subarray(from)));
      held += piece.length - from;
      if (held > maxLineBytes) throw new AppError('payload_too_large');
    },
    finish: async () => {
      await handle.sync();
      await close();
    },
    place: async () => {
      await rename(temporary, path);
      const around = await open(folder, 'r');
      try {
        await around.sync();
      } finally {
        await around.close();
      }
    },
    abandon: async () => {
      await close();
      await rm(temporary, { force: true });
    },
  };
};
