/**
 * What a page knows of one session, as a fold over socket messages. Pure: no socket, no clock, no animation frame.
 * Invariants: `events` is a run of numbers without gap or repeat; `state` is the fold up to `head`;
 * a message that cannot follow what is known changes nothing and asks for a new subscription.
 */
import {
  initialSessionState,
  reduceSession,
  type NumberedEvent,
  type ServerMessage,
  type ServerMessageOf,
  type SessionState,
} from '@remote-claude/contract';

export interface LiveBlock {
  turnId: string;
  blockId: string;
  kind: 'text' | 'thinking' | 'tool';
  tool: string | null;
  parentToolUseId: string | null;
  text: string;
  /** It ended; its final event, or a new beginning, is on its way. */
  dropped: boolean;
}

export interface SessionLog {
  /** A first `hello` has come. */
  loaded: boolean;
  epoch: string | null;
  /** Number of the oldest event that the server has; 0 for none. */
  first: number;
  /** Number up to which `state` is folded. */
  head: number;
  events: readonly NumberedEvent[];
  state: SessionState;
  blocks: readonly LiveBlock[];
  permissions: readonly string[];
}

export interface Applied {
  log: SessionLog;
  /** Something is missing: subscribe again from `lastSeq`. */
  resubscribe: boolean;
}

export const emptyLog: SessionLog = {
  loaded: false,
  epoch: null,
  first: 0,
  head: 0,
  events: [],
  state: initialSessionState,
  blocks: [],
  permissions: [],
};

/** The number of the last event that the reader has. */
export const lastSeq = (log: SessionLog): number => log.events.at(-1)?.seq ?? 0;

const done = (log: SessionLog): Applied => ({ log, resubscribe: false });
const missing = (log: SessionLog): Applied => ({ log, resubscribe: true });

const liveBlock = (open: ServerMessageOf<'open-block'>['payload']): LiveBlock => ({ ...open, dropped: false });

const hello = (log: SessionLog, payload: ServerMessageOf<'hello'>['payload']): Applied => {
  const follows = log.epoch === payload.epoch && payload.events.length === 0 && log.events.length > 0;
  // A server that lags behind another knows less than what was shown already.
  const ahead = follows && log.head > payload.head;
  return done({
    loaded: true,
    epoch: payload.epoch,
    first: payload.first,
    head: ahead ? log.head : payload.head,
    events: follows ? log.events : payload.events,
    state: ahead ? log.state : payload.state,
    blocks: payload.open.map(liveBlock),
    permissions: payload.permissions,
  });
};

/** Blocks that remain open after an event: a final one replaces what streamed, a turn's end ends all of its. */
const blocksAfter = (blocks: readonly LiveBlock[], { event }: NumberedEvent): readonly LiveBlock[] => {
  if (blocks.length === 0) return blocks;
  switch (event.type) {
    case 'text':
    case 'thinking':
    case 'block.interrupted':
      return blocks.filter((block) => block.blockId !== event.blockId);
    case 'tool.called':
      return blocks.filter((block) => !(block.dropped && block.kind === 'tool'));
    case 'turn.ended':
      return blocks.filter((block) => block.turnId !== event.turnId);
    default:
      return blocks;
  }
};

const append = (log: SessionLog, incoming: readonly NumberedEvent[]): Applied => {
  let { head, state, blocks } = log;
  let last = log.events.length > 0 ? lastSeq(log) : null;
  const fresh: NumberedEvent[] = [];
  for (const numbered of incoming) {
    // An empty log (a session without events at the first load) begins after its head.
    const expected = (last ?? head) + 1;
    if (numbered.seq < expected) continue;
    if (numbered.seq > expected) {
      return missing(fresh.length === 0 ? log : { ...log, head, state, blocks, events: [...log.events, ...fresh] });
    }
    fresh.push(numbered);
    last = numbered.seq;
    // A `hello` with a cursor brings the state at the head before the events up to it.
    if (numbered.seq === head + 1) {
      state = reduceSession(state, numbered);
      head = numbered.seq;
    }
    blocks = blocksAfter(blocks, numbered);
  }
  if (fresh.length === 0) return done(log);
  const first = log.first === 0 ? (fresh[0]?.seq ?? 0) : log.first;
  return done({ ...log, first, head, state, blocks, events: [...log.events, ...fresh] });
};

const replaceBlock = (log: SessionLog, block: LiveBlock): SessionLog => {
  const known = log.blocks.some((open) => open.blockId === block.blockId);
  const blocks = known
    ? log.blocks.map((open) => (open.blockId === block.blockId ? block : open))
    : [...log.blocks, block];
  return { ...log, blocks };
};

const stream = (log: SessionLog, payload: ServerMessageOf<'claude-stream'>['payload']): Applied => {
  const { blockId, turnId, type, tool, parentToolUseId, offset, content } = payload;
  const known = log.blocks.find((open) => open.blockId === blockId);
  const text = known?.text ?? '';
  if (offset > text.length) return missing(log);
  const beyond = content.slice(text.length - offset);
  if (known !== undefined && beyond === '') return done(log);
  const kind = type === 'code' ? 'text' : type;
  // What was dropped before gives way to what begins.
  const kept = known === undefined ? { ...log, blocks: log.blocks.filter((open) => !open.dropped) } : log;
  return done(
    replaceBlock(kept, { turnId, blockId, kind, tool, parentToolUseId, text: text + beyond, dropped: false }),
  );
};

export const applyMessage = (log: SessionLog, message: ServerMessage): Applied => {
  if (message.type === 'hello') return hello(log, message.payload);
  if (!log.loaded) return done(log);
  switch (message.type) {
    case 'events':
      return append(log, message.payload.events);
    case 'open-block':
      return done(replaceBlock(log, liveBlock(message.payload)));
    case 'claude-stream':
      return stream(log, message.payload);
    case 'block-dropped': {
      const blocks = log.blocks.map((open) =>
        open.blockId === message.payload.blockId ? { ...open, dropped: true } : open,
      );
      return done({ ...log, blocks });
    }
    default:
      return done(log);
  }
};

/** Blocks that were dropped and that nothing replaced. */
export const withoutDropped = (log: SessionLog): SessionLog =>
  log.blocks.some((open) => open.dropped) ? { ...log, blocks: log.blocks.filter((open) => !open.dropped) } : log;

/** Older events, put before those that are there; what does not reach up to them changes nothing. */
export const prepend = (log: SessionLog, older: readonly NumberedEvent[]): SessionLog => {
  const from = log.events[0]?.seq ?? log.head + 1;
  const before = older.filter(({ seq }) => seq < from);
  const contiguous = before.every(({ seq }, index) => seq === from - before.length + index);
  return before.length === 0 || !contiguous ? log : { ...log, events: [...before, ...log.events] };
};
