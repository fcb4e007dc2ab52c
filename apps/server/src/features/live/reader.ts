// One viewer's reading of the log: a first load or a cursor, then pages, then live, never with a gap or a repeat.
// It knows the room it stands in and the outlet it writes to.

import type { NumberedEvent, ServerMessage, ServerMessageType } from '@remote-claude/contract';

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
/** What one message brings: over a slow line it must arrive well within the time that counts as silence. */
const pageBytes = 256 * 1024;
const pageSize = 200;

/** Of these the last word counts, so that a viewer who lags is spared the others. */
const passing: ReadonlySet<ServerMessageType> = new Set([
  'claude-stream',
  'open-block',
  'files-changed',
  'notice',
  'tool-progress',
]);

/** Why reading the log paused. */
type Pause = 'behind' | 'nothing there' | 'all told';

const blockIdsOf = (events: NumberedEvent[]): Set<string> =>
  new Set(events.flatMap(({ event }) => ('blockId' in event ? [event.blockId as string] : [])));

export const createReader = ({ sessionId, events, room, outlet, permissions, onFailed }: ReaderDeps) => {
  let id: string | null = null;
  /** Number of the last event that the viewer was sent. */
  let sent = 0;
  let catching = false;
  let lagging = false;
  /** Changes on the disk were not told. */
  let missedFiles = false;

  /** Reads what is between the viewer and the room, as fast as the viewer takes it. */
  const catchUp = (): void => {
    if (catching || id === null) return;
    catching = true;
    step(id).then(
      (how) => {
        if (how === 'behind') outlet.whenDrained(resume);
        else resume(how);
      },
      (error: unknown) => {
        catching = false;
        onFailed(error);
      },
    );
  };
  const resume = (how: Pause = 'all told'): void => {
    catching = false;
    // What was committed since the last look was left to us.
    if (how === 'all told' && sent < room.cursor()) catchUp();
  };

  /** One way through: ended by a new subscription, by the viewer being behind, or by having told all. */
  const step = async (of: string): Promise<Pause> => {
    while (id === of && sent < room.cursor()) {
      if (outlet.isBehind()) return 'behind';
      const page = await events.read(sessionId, { after: sent }, pageSize, pageBytes);
      if (id !== of) break;
      const last = page.at(-1);
      if (last === undefined) return 'nothing there';
      outlet.message({ id: '', type: 'events', payload: { events: page } });
      sent = last.seq;
    }
    return 'all told';
  };

  /** What passes is told again as it stands when the viewer has read what it got. */
  const onPassing = (message: ServerMessage): void => {
    if (!lagging && !outlet.isBehind()) return outlet.message(message);
    missedFiles ||= message.type === 'files-changed';
    if (lagging) return;
    lagging = true;
    outlet.whenDrained(() => {
      lagging = false;
      if (missedFiles) outlet.message({ id: '', type: 'files-changed', payload: { changes: [], overflow: true } });
      missedFiles = false;
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
      // A first load is the largest message there is: who asks again and again reads what was asked before.
      await new Promise<void>((resolve) => outlet.whenDrained(resolve));
      const { state, head, epoch } = await events.head(sessionId);
      const after = cursor.epoch === undefined || cursor.epoch === epoch ? cursor.after : undefined;
      const isFirst = after === undefined || after > head;
      const last = isFirst ? await events.read(sessionId, { before: head + 1 }, firstLoadEvents, pageBytes) : [];
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
      if (id === null && message.type !== 'files-changed') return;
      if (passing.has(message.type)) onPassing(message);
      else outlet.message(message);
    },
  };
};
