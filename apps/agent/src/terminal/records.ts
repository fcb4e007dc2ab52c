/** What is kept of terminals on disk, so that a new agent can show those of a killed one. It does not know what runs. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { terminalId, terminalName, terminalSize, type TerminalId } from '@remote-claude/contract';
import { z } from 'zod';

const terminalRecord = z.object({
  terminalId,
  name: terminalName,
  ...terminalSize,
  openedAt: z.number(),
  ended: z.object({ exitCode: z.int().nullable(), reason: z.string().nullable() }).nullable(),
});
export type TerminalRecord = z.infer<typeof terminalRecord>;

export interface Records {
  ringPath(id: TerminalId): string;
  save(record: TerminalRecord): Promise<void>;
  remove(id: TerminalId): Promise<void>;
  /** In the order in which they were opened. */
  load(): Promise<TerminalRecord[]>;
}

export const createRecords = async (stateDir: string): Promise<Records> => {
  const folder = join(stateDir, 'terminals');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const recordPath = (id: string): string => join(folder, `${id}.json`);
  const ringPath = (id: string): string => join(folder, `${id}.ring`);

  const loadOne = async (file: string): Promise<TerminalRecord | null> => {
    try {
      return terminalRecord.parse(JSON.parse(await readFile(join(folder, file), 'utf8')));
    } catch {
      return null;
    }
  };

  return {
    ringPath,
    async save(record) {
      const path = recordPath(record.terminalId);
      await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
      await rename(`${path}.new`, path);
    },
    async remove(id) {
      await rm(recordPath(id), { force: true });
      await rm(ringPath(id), { force: true });
    },
    async load() {
      const files = (await readdir(folder)).filter((file) => file.endsWith('.json'));
      const records = (await Promise.all(files.map(loadOne))).filter((record) => record !== null);
      return records.toSorted((a, b) => a.openedAt - b.openedAt);
    },
  };
};
