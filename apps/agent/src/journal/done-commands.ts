/**
 * The ids of commands that were done, so that a repeated command is done once across lives of the agent.
 * Only the last ones: a server forgets a command when it sees its effect, so a repeat comes soon or never.
 */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import type { CommandId } from '@remote-claude/contract';

export interface DoneCommands {
  has(id: CommandId): boolean;
  /** Known from now on; the record that names them is on the disk already. */
  add(ids: readonly CommandId[]): void;
  /** Stay known when the record that names them is gone. */
  keep(ids: readonly CommandId[]): void;
}

const maxIds = 10_000;

export const createDoneCommands = (path: string): DoneCommands => {
  const known = new Set<CommandId>(readIds(path));
  let lines = known.size;

  const add = (ids: readonly CommandId[]): void => {
    for (const id of ids) known.add(id);
    for (const id of known) {
      if (known.size <= maxIds) break;
      known.delete(id);
    }
  };

  return {
    has: (id) => known.has(id),
    add,
    keep: (ids) => {
      if (ids.length === 0) return;
      add(ids);
      try {
        appendFileSync(path, ids.map((id) => `${id}\n`).join(''), { mode: 0o600 });
        lines += ids.length;
        if (lines <= 2 * maxIds) return;
        writeFileSync(`${path}.new`, [...known].map((id) => `${id}\n`).join(''), { mode: 0o600 });
        renameSync(`${path}.new`, path);
        lines = known.size;
      } catch {
        // A full disk: these ids are known for this life only.
      }
    },
  };
};

const readIds = (path: string): CommandId[] => {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .slice(-maxIds - 1)
      .filter((line) => line.length === 36) as CommandId[];
  } catch {
    return [];
  }
};
