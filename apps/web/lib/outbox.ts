/**
 * Commands that a person gave and that the server has not yet stored. Pure: no socket, no storage.
 * Each keeps its id, so that sending it again is harmless; it leaves when it was accepted, or when a person takes it back.
 */
import { clientMessage, type ClientMessage, type ErrorPayload } from '@remote-claude/contract';

export type Command = Extract<ClientMessage, { type: 'claude' | 'interrupt' | 'withdraw' | 'approve' | 'configure' }>;

export interface Outgoing {
  command: Command;
  at: number;
  /** It was given to an open socket once, so the server may have it although it did not say so. */
  handed: boolean;
  /** `accepted` ones stay until the event that they become is seen. */
  status: 'sending' | 'accepted' | 'failed';
  error: string | null;
}
export type Outbox = readonly Outgoing[];

const change = (outbox: Outbox, id: string, patch: Partial<Outgoing>): Outbox =>
  outbox.map((entry) => (entry.command.id === id ? { ...entry, ...patch } : entry));

export const put = (outbox: Outbox, command: Command, at: number): Outbox => [
  ...outbox,
  { command, at, handed: false, status: 'sending', error: null },
];

export const handedOver = (outbox: Outbox, id: string): Outbox =>
  outbox.some(({ command, handed }) => command.id === id && !handed) ? change(outbox, id, { handed: true }) : outbox;

export const take = (outbox: Outbox, id: string): Outbox => outbox.filter((entry) => entry.command.id !== id);

/** Only a message has something to wait for: the others show in the session's state. */
export const accept = (outbox: Outbox, id: string): Outbox => {
  const entry = outbox.find(({ command }) => command.id === id);
  return entry?.command.type === 'claude' ? change(outbox, id, { status: 'accepted', error: null }) : take(outbox, id);
};

/** A message that could not be taken back is in the conversation, which says enough. */
export const refuse = (outbox: Outbox, id: string, error: ErrorPayload): Outbox =>
  outbox.find(({ command }) => command.id === id)?.command.type === 'withdraw'
    ? take(outbox, id)
    : change(outbox, id, { status: 'failed', error: error.message });

/** What never left is simply gone; what the server may have, it is told to take out. */
export const takeBack = (outbox: Outbox, id: string, withdrawal: Command, at: number): Outbox => {
  const entry = outbox.find(({ command }) => command.id === id);
  const others = take(outbox, id);
  return entry?.status === 'failed' || entry?.handed === false ? others : put(others, withdrawal, at);
};

export const again = (outbox: Outbox, id: string): Outbox => change(outbox, id, { status: 'sending', error: null });

/** Messages whose event has come are in the transcript now. */
export const settle = (outbox: Outbox, seen: ReadonlySet<string>): Outbox =>
  outbox.some(({ command }) => seen.has(command.id)) ? outbox.filter(({ command }) => !seen.has(command.id)) : outbox;

export const unsent = (outbox: Outbox): Command[] =>
  outbox.filter(({ status }) => status === 'sending').map(({ command }) => command);

/** What outlives a reload: what was typed, and what of it was taken back. An old interrupt or answer might hit something new. */
export const outlives = ({ command, status }: Outgoing): boolean =>
  (command.type === 'claude' || command.type === 'withdraw') && status !== 'accepted';

/** What another page's life left behind; anything that is not a whole command is dropped. */
export const restore = (stored: readonly unknown[]): Outbox =>
  stored
    .flatMap((kept: unknown): Outgoing[] => {
      const { command, at, handed, status, error } = (kept ?? {}) as Partial<Record<keyof Outgoing, unknown>>;
      const parsed = clientMessage.safeParse(command);
      if (!parsed.success || typeof at !== 'number') return [];
      const { data } = parsed;
      if (data.type !== 'claude' && data.type !== 'withdraw') return [];
      // What was refused waits for its sender's word, and is not sent again by itself.
      const failed = status === 'failed' && typeof error === 'string';
      return [
        {
          command: data,
          at,
          handed: handed !== false,
          status: failed ? 'failed' : 'sending',
          error: failed ? error : null,
        },
      ];
    })
    .sort((a, b) => a.at - b.at);
