/**
 * A conversation of another session, put where the Claude Code of this one looks for it, with what was kept beside it. Until
 * all of it is there it stands under names that nobody looks for. It does not know where it comes from, only in which folders
 * that was: what was said there was said here.
 */
import { realpathSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { AppError } from '@remote-claude/contract';

import { codeOf } from '../files/index.js';
import { folderBeside } from './beside.js';
import { projectFolder } from './conversations.js';
import { createLineCutter, parsed } from './lines.js';

export interface ConversationWriter {
  write(piece: Buffer): Promise<void>;
  /** What is written from now on is this file beside it. */
  begin(name: string): Promise<void>;
  /** It is on the disk, under names that nobody looks for yet. */
  finish(): Promise<void>;
  /** It is Claude Code's from now on. */
  place(): Promise<void>;
  /** Leaves nothing behind. Harmless after `place`. */
  abandon(): Promise<void>;
}

export interface Folders {
  /** The work tree. */
  workspace: string;
  /** Where Claude Code keeps its conversations; empty where that is not said. */
  projects: string;
}

const maxBytes = 1024 * 1024 * 1024;
const maxFiles = 20_000;
const maxParts = 8;
const maxPartUnits = 255;

/** `from` are the folders of the other session. */
export const writeConversation = async (
  { home, workspace }: { home: string; workspace: string },
  { id, from }: { id: string; from: Folders },
): Promise<ConversationWriter> => {
  const here = realpathSync(workspace);
  const folder = projectFolder(home, here);
  const path = join(folder, `${id}.jsonl`);
  const beside = folderBeside(path);
  const temporary = { path: `${path}.new`, beside: `${beside}.new` };
  const move = createMove(from, { workspace: here, projects: folder });
  let written = 0;
  let files = 0;

  const openPart = async (at: string, flags: 'w' | 'wx') => {
    const handle = await open(at, flags, 0o600);
    let isOpen = true;
    const cutter = at.startsWith(temporary.path) || at.endsWith('.jsonl') ? createLineCutter() : null;
    const take = async (bytes: Buffer): Promise<void> => {
      written += bytes.length;
      if (written > maxBytes) throw new AppError('payload_too_large');
      await handle.writeFile(bytes);
    };
    return {
      write: async (piece: Buffer): Promise<void> => {
        if (cutter === null) return take(piece);
        for (const line of cutter.cut(piece)) await take(move(line));
      },
      close: async (isWhole: boolean): Promise<void> => {
        if (!isOpen) return;
        isOpen = false;
        try {
          if (isWhole) await handle.sync();
        } finally {
          await handle.close();
        }
      },
    };
  };

  const beginBeside = async (name: string) => {
    files += 1;
    if (files > maxFiles || !isName(name)) throw strange();
    const at = join(temporary.beside, name);
    try {
      await mkdir(dirname(at), { recursive: true, mode: 0o700 });
      return await openPart(at, 'wx');
    } catch (error) {
      throw ['EEXIST', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '') ? strange() : error;
    }
  };

  await mkdir(folder, { recursive: true, mode: 0o700 });
  await rm(temporary.beside, { recursive: true, force: true });
  let part = await openPart(temporary.path, 'w');

  return {
    write: (piece) => part.write(piece),
    begin: async (name) => {
      await part.close(true);
      part = await beginBeside(name);
    },
    finish: () => part.close(true),
    place: async () => {
      await rm(beside, { recursive: true, force: true });
      if (files > 0) await rename(temporary.beside, beside);
      await rename(temporary.path, path);
      const around = await open(folder, 'r');
      try {
        await around.sync();
      } finally {
        await around.close();
      }
    },
    abandon: async () => {
      await part.close(false);
      await rm(temporary.path, { force: true });
      await rm(temporary.beside, { recursive: true, force: true });
    },
  };
};

/** It was written by code in another session. */
const isName = (name: string): boolean => {
  const parts = name.split('/');
  const isPart = (part: string): boolean =>
    part !== '' && part !== '.' && part !== '..' && part.length <= maxPartUnits && !part.includes('\0');
  return parts.length <= maxParts && parts.every(isPart);
};

/** A line of there as it would be here: its folder, and where it names a file that was kept beside a conversation. */
const createMove = (from: Folders, to: Folders): ((line: Buffer) => Buffer) => {
  const inJson = (path: string): string => JSON.stringify(`${path}/`).slice(1, -1);
  const isOther = from.projects !== '' && from.projects !== to.projects;
  const [before, after] = [inJson(from.projects), inJson(to.projects)];
  return (line) => {
    let content = parsed(line);
    if (content === null)
      throw new AppError('upstream_failed', { message: 'The conversation came in pieces that are none.' });
    let moved = line;
    if (isOther && line.includes(before)) {
      moved = Buffer.from(line.toString().replaceAll(before, () => after));
      content = parsed(moved) ?? content;
    }
    if (from.workspace === to.workspace || content['cwd'] !== from.workspace) return moved;
    return Buffer.from(`${JSON.stringify({ ...content, cwd: to.workspace })}\n`);
  };
};

const strange = (): AppError =>
  new AppError('upstream_failed', {
    message: 'What came of the other session beside its conversation is in no order.',
  });
