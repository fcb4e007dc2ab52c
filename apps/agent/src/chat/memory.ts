/**
 * What the chat remembers across processes of Claude and lives of the agent: which conversation to go on with, with
 * which settings, and what people allowed for the session. A small file, replaced as a whole. It does not act on any of it.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import {
  effort,
  modelName,
  permissionMode,
  type ClaudeSettings,
  type Effort,
  type PermissionMode,
} from '@remote-claude/contract';
import { z } from 'zod';

import { sessionRule, type SessionRule } from './session-rules.js';

const content = z.object({
  /** Claude Code's own id of the conversation; null before the first turn. */
  conversation: z.string().nullable(),
  /** The last message of it that still counts, where it was rewound and nothing was said since. */
  resumeAt: z.string().nullable().default(null),
  model: modelName.nullable(),
  permissionMode,
  effort: effort.nullable(),
  rules: z.array(sessionRule),
});

export interface Memory {
  readonly conversation: string | null;
  readonly resumeAt: string | null;
  readonly model: string | null;
  readonly permissionMode: PermissionMode;
  readonly effort: Effort | null;
  readonly rules: readonly SessionRule[];
}

export interface MemoryStore {
  readonly value: Memory;
  change(part: Partial<Memory>): void;
  /** The same, and on the disk when it returns. Throws, and changes nothing, where the disk does not take it. */
  keep(part: Partial<Memory>): void;
}

/** `first` are the settings for a session that has none yet. */
export const createMemory = (path: string, first: ClaudeSettings): MemoryStore => {
  let value: Memory = read(path) ?? {
    conversation: null,
    resumeAt: null,
    model: first.model ?? null,
    permissionMode: first.permissionMode ?? 'default',
    effort: first.effort ?? null,
    rules: [],
  };
  return {
    get value() {
      return value;
    },
    keep: (part) => {
      const next = { ...value, ...part };
      const file = openSync(`${path}.new`, 'w', 0o600);
      try {
        writeFileSync(file, JSON.stringify(next));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${path}.new`, path);
      value = next;
    },
    change: (part) => {
      value = { ...value, ...part };
      try {
        writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
        renameSync(`${path}.new`, path);
      } catch {
        // A full disk: it holds for this life, and the next change tries again.
      }
    },
  };
};

const read = (path: string): Memory | null => {
  try {
    return content.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
};
