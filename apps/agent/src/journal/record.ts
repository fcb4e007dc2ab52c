/** One line of a journal: a checksum and a record. It does not know which file the line is in. */
import { crc32 } from 'node:zlib';

import { agentProposal, type AgentEvent, type CommandId } from '@remote-claude/contract';

export interface JournalRecord {
  n: number;
  event: AgentEvent;
  commandIds?: readonly CommandId[];
}

const checksumOf = (json: string): string => crc32(json).toString(16).padStart(8, '0');

export const encodeRecord = (record: JournalRecord): string => {
  const json = JSON.stringify(record);
  return `${checksumOf(json)} ${json}\n`;
};

/**
 * The records up to the first line that is torn or damaged, and the bytes that they take: what follows was never
 * acknowledged as written. A whole line that this version does not understand is passed over.
 */
export const decodeRecords = (content: Buffer): { records: JournalRecord[]; wholeBytes: number } => {
  const records: JournalRecord[] = [];
  let wholeBytes = 0;
  for (let end = content.indexOf(0x0a); end !== -1; end = content.indexOf(0x0a, wholeBytes)) {
    const json = wholeJson(content.toString('utf8', wholeBytes, end));
    if (json === null) break;
    const parsed = agentProposal.safeParse(JSON.parse(json));
    if (parsed.success) {
      const { n, event, commandIds } = parsed.data;
      records.push({ n, event, ...(commandIds === undefined ? {} : { commandIds }) });
    }
    wholeBytes = end + 1;
  }
  return { records, wholeBytes };
};

const wholeJson = (line: string): string | null => {
  const json = line.slice(9);
  return line[8] === ' ' && line.slice(0, 8) === checksumOf(json) ? json : null;
};
