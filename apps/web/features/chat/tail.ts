/** What follows the stored items in a transcript: what streams, and what a person has sent that is not yet being worked on. */
import type { SessionState } from '@remote-claude/contract';

import type { Outbox, Outgoing } from '../../lib/outbox';
import type { LiveBlock } from '../../lib/session-log';
import type { Item } from './item';

export type Row =
  | Item
  | { kind: 'live'; key: string; block: LiveBlock }
  | {
      kind: 'sent';
      key: string;
      text: string;
      at: string;
      status: 'waiting' | Outgoing['status'];
      error: string | null;
      id: string;
    }
  | { kind: 'working'; key: string };

export interface Queued {
  id: string;
  text: string;
  by: string | null;
  /** `queued` is stored by the server; the others are on their way to it. */
  status: 'queued' | Outgoing['status'];
  error: string | null;
}

const promptOf = (entry: Outgoing): string => (entry.command.type === 'claude' ? entry.command.payload.prompt : '');
const messages = (outbox: Outbox): Outgoing[] => outbox.filter(({ command }) => command.type === 'claude');

/** Everything after the items. Messages that wait behind a running turn are in the queue instead. */
export const tailRows = (state: SessionState, blocks: readonly LiveBlock[], outbox: Outbox): Row[] => {
  const rows: Row[] = blocks
    .filter(({ kind, parentToolUseId }) => kind !== 'tool' && parentToolUseId === null)
    .map((block) => ({ kind: 'live', key: `block:${block.blockId}`, block }));
  if (state.turn === null) {
    for (const { messageId, text, at } of state.queue) {
      rows.push({
        kind: 'sent',
        key: `message:${messageId}`,
        id: messageId,
        text: text.text,
        at,
        status: 'waiting',
        error: null,
      });
    }
    const stored = new Set<string>(state.queue.map(({ messageId }) => messageId));
    for (const entry of messages(outbox)) {
      const { id } = entry.command;
      if (stored.has(id)) continue;
      const at = new Date(entry.at).toISOString();
      rows.push({
        kind: 'sent',
        key: `message:${id}`,
        id,
        text: promptOf(entry),
        at,
        status: entry.status,
        error: entry.error,
      });
    }
  } else {
    rows.push({ kind: 'working', key: `working:${state.turn.turnId}` });
  }
  return rows;
};

/** What waits while a turn runs, in the order in which it will be taken. */
export const queueOf = (state: SessionState, outbox: Outbox, loaded: boolean): Queued[] => {
  // Before anything is known of the session there is no transcript to show them in.
  if (state.turn === null && loaded) return [];
  const stored: Queued[] = state.queue.map(({ messageId, text, by }) => ({
    id: messageId,
    text: text.text,
    by: by.name,
    status: 'queued',
    error: null,
  }));
  const known = new Set<string>(stored.map(({ id }) => id));
  const sending = messages(outbox)
    .filter(({ command }) => !known.has(command.id))
    .map((entry): Queued => ({
      id: entry.command.id,
      text: promptOf(entry),
      by: null,
      status: entry.status,
      error: entry.error,
    }));
  return [...stored, ...sending];
};
