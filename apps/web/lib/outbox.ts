/**
 * Commands that a person gave and that the server has not yet stored. Pure: no socket, no storage.
 * Each keeps its id, so that sending it again is harmless; it leaves when it was accepted, or when a person takes it back.
 */
import { clientMessage, type ClientMessage, type ErrorPayload } from '@remote-claude/contract';

export type Command = Extract<ClientMessage, { type: 'claude' | 'interrupt' | 'withdraw' | 'approve' | 'configure' }>;

export interface Outgoing {
  command: Command;
  at: number;
  /** `accepted` ones stay until the event that they become is seen. */
  status: 'sending' | 'accepted' | 'failed';
  error: string | null;
}
export type Outbox = readonly Outgoing[];

const change = (outbox: Outbox, id: string, patch: Partial<Outgoing>): Outbox =>
  outbox.map((entry) => (entry.command.id === id ? { ...entry, ...patch } : entry));

export const put = (outbox: Outbox, command: Command, at: number): Outbox => [
  ...outbox,
  { command, at, status: 'sending', error: null },
];

export const take = (outbox: Outbox, id: string): Outbox => outbox.filter((entry) => entry.command.id !== id);

/** Only a message has something to wait for: the others show in the session's state. */
export const accept = (outbox: Outbox, id: string): Outbox => {
  const entry = outbox.find(({ command }) => command.id === id);
  return entry?.command.type === 'claude' ? change(outbox, id, { status: 'accepted', error: null }) : take(outbox, id);
};

export const refuse = (outbox: Outbox, id: string, error: ErrorPayload): Outbox =>
  change(outbox, id, { status: 'failed', error: error.message });

export const again = (outbox: Outbox, id: string): Outbox => change(outbox, id, { status: 'sending', error: null });

/** Messages whose event has come are in the transcript now. */
export const settle = (outbox: Outbox, seen: ReadonlySet<string>): Outbox =>
  outbox.some(({ command }) => seen.has(command.id)) ? outbox.filter(({ command }) => !seen.has(command.id)) : outbox;

export const unsent = (outbox: Outbox): Command[] =>
  outbox.filter(({ status }) => status === 'sending').map(({ command }) => command);

/** What another page's life left behind; anything that is not a whole command is dropped. */
export const restore = (stored: unknown): Outbox => {
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((entry: unknown): Outgoing[] => {
    const { command, at } = (entry ?? {}) as { command?: unknown; at?: unknown };
    const parsed = clientMessage.safeParse(command);
    if (!parsed.success || typeof at !== 'number') return [];
    const { data } = parsed;
    // Only what was typed outlives a reload: an old interrupt or answer might hit something new.
    return data.type === 'claude' ? [{ command: data, at, status: 'sending', error: null }] : [];
  });
};
