// One viewer's reading of the log: a first load or a cursor, then pages, then live, never with a gap or a repeat.
// It knows the room it stands in and the outlet it writes to.

import type { NumberedEvent, ServerMessage } from '@remote-claude/contract';

import type { Events } from '../events/index.js';
import type { Outlet } from './outlet.js';
import type { Room } from './room.js';

export interface ReaderDeps {
  sessionId: string;
  events: Events;
  room: Room;
  outlet: Outlet;
  permissions: ReadonlySet<string>;
  onFailed(error: unknown): void;
}

const firstLoadEvents = 100;
const firstLoadBytes = 1024 * 1024;
const pageSize = 200;

/** The newest that fit: what is older is read by number. */
const newestWithin = (events: NumberedEvent[], maxBytes: number): NumberedEvent[] => {
  let bytes = 0;
  let from = events.length;
  while (from > 0) {
    bytes += Buffer.byteLength(JSON.stringify(events[from - 1]));
    if (bytes > maxBytes && from < events.length) break;
    from -= 1;
  }
  return events.slice(from);
};

const blockIdsOf = (events: NumberedEvent[]): Set<string> =>
  new Set(events.flatMap(({ event }) => ('blockId' in event ? [event.blockId as string] : [])));

export const createReader = ({ sessionId, events, room, outlet, permissions, onFailed }: ReaderDeps) => {
  let id: string | null = null;
  /** Number of the last event that the viewer was sent. */
  let sent = 0;
  let catching = false;
  let lagging = false;

  /** Reads what is between the viewer and the room, as fast as the viewer takes it. */
  const catchUp = (): void => {
    if (catching || id === null) return;
    catching = true;
    step(id).then(
      (again) => {
        if (again === 'drained') outlet.whenDrained(resume);
        else resume(again);
      },
      (error: unknown) => {
        catching = false;
        onFailed(error);
      },
    );
  };
  const resume = (again: 'now' | 'later' | void = 'now'): void => {
    catching = false;
    if (again === 'now') catchUp();
  };

  /** One way through: ended by a new subscription, by the viewer being behind, or by having told all. */
  const step = async (of: string): Promise<'now' | 'later' | 'drained'> => {
    while (id === of && sent < room.cursor()) {
      if (outlet.isBehind()) return 'drained';
      const page = await events.read(sessionId, { after: sent }, pageSize);
      if (id !== of) return 'now';
      const last = page.at(-1);
      if (last === undefined) return 'later';
      outlet.message({ id: '', type: 'events', payload: { events: page } });
      sent = last.seq;
    }
    return id === of ? 'later' : 'now';
  };

  const onDelta = (message: ServerMessage): void => {
    if (!lagging && !outlet.isBehind()) return outlet.message(message);
    if (lagging) return;
    lagging = true;
    outlet.whenDrained(() => {
      lagging = false;
      if (id === null) return;
      for (const block of room.openBlocks()) outlet.message({ id: '', type: 'open-block', payload: block });
    });
  };

  return {
    async subscribe(
      messageId: string,
      cursor: { epoch?: string | undefined; after?: number | undefined },
    ): Promise<void> {
      id = null;
      const { state, head, epoch } = await events.head(sessionId);
      const after = cursor.epoch === undefined || cursor.epoch === epoch ? cursor.after : undefined;
      const isFirst = after === undefined || after > head;
      const last = isFirst
        ? newestWithin(await events.read(sessionId, { before: head + 1 }, firstLoadEvents), firstLoadBytes)
        : [];
      const final = blockIdsOf(last);
      outlet.message({
        id: messageId,
        type: 'hello',
        payload: {
          epoch,
          first: head > 0 ? 1 : 0,
          head,
          state,
          events: last,
          open: room.openBlocks().filter((block) => !final.has(block.blockId)),
          permissions: [...permissions],
        },
      });
      outlet.message({ id: '', type: 'place', payload: { reachable: room.isAgentUp() } });
      id = messageId;
      sent = isFirst ? head : after;
      catchUp();
    },
    unsubscribe(): void {
      id = null;
    },
    onEvents(page: NumberedEvent[]): void {
      if (id === null || catching) return;
      const next = page.filter(({ seq }) => seq > sent);
      const [first] = next;
      if (first === undefined) return;
      if (outlet.isBehind() || first.seq !== sent + 1) return catchUp();
      outlet.message({ id: '', type: 'events', payload: { events: next } });
      sent = next.at(-1)?.seq ?? sent;
    },
    onLive(message: ServerMessage): void {
      if (id === null) return;
      if (message.type === 'claude-stream') onDelta(message);
      else outlet.message(message);
    },
  };
};
