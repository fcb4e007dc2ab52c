/**
 * A session's state as of one event: what server and page both know of it.
 * Pure: no clock, no store; the log is the truth and this is its fold.
 */
import { z } from 'zod';

import { commandId, taskId, terminalId, timestamp, turnId } from '../ids.js';
import { terminalName, terminalSize, todoItem, turnOutcome } from '../events/agent-events.js';
import type { NumberedEvent, SessionEvent } from '../events/index.js';
import { openApproval } from '../model/approval.js';
import { rewindWhat } from '../model/checkpoint.js';
import { effort, forkedFrom, permissionMode, placeStatus, wantedState, type ShownStatus } from '../model/session.js';
import { maxSetupTail, setupState, type SetupState } from '../model/setup.js';
import { boundedText } from '../model/text.js';
import { addTokens, noTokens, tokenUsage } from '../model/usage.js';
import { author } from '../model/user.js';

export const queuedMessage = z.object({
  messageId: commandId,
  by: author,
  text: boundedText,
  at: timestamp,
  taskId: taskId.nullable(),
});

export const terminalState = z.object({
  terminalId,
  name: terminalName,
  ...terminalSize,
  ended: z.boolean(),
  exitCode: z.int().nullable(),
  reason: z.string().nullable(),
});
export type TerminalState = z.infer<typeof terminalState>;

export const sessionState = z.object({
  name: z.string(),
  wanted: wantedState,
  place: z.object({
    status: placeStatus,
    step: z.string().nullable(),
    reason: z.string().nullable(),
    next: z.string().nullable(),
    since: timestamp.nullable(),
    diskGone: z.literal(true).optional(),
  }),
  claude: z.object({
    version: z.string().nullable(),
    model: z.string().nullable(),
    permissionMode,
    effort: effort.nullable(),
    slashCommands: z.array(z.object({ name: z.string(), description: z.string(), argumentHint: z.string() })),
  }),
  turn: z.object({ turnId, messageIds: z.array(commandId), startedAt: timestamp }).nullable(),
  /** How the last turn ended; null before the first. */
  lastTurn: z
    .object({ turnId, outcome: turnOutcome, reason: z.string().nullable(), at: timestamp, ofTask: z.boolean() })
    .nullable(),
  queue: z.array(queuedMessage),
  approvals: z.array(openApproval),
  todo: z.array(todoItem),
  terminals: z.array(terminalState),
  usage: tokenUsage,
  costUsd: z.number(),
  /** A rewind that is asked for and not yet done. */
  rewinding: z.object({ rewindId: commandId, by: author, what: rewindWhat }).nullable(),
  /** Where a fork comes from, and whether all of it is there: before, it does not run. */
  fork: forkedFrom.extend({ isFilled: z.boolean() }).nullable(),
  /** Null where no set-up script was ever asked for. */
  setup: setupState.nullable(),
  /** Tokens that the last model call read: how full the context is. */
  contextTokens: z.number(),
});
export type SessionState = z.infer<typeof sessionState>;

export const initialSessionState: SessionState = {
  name: '',
  wanted: 'running',
  place: { status: 'none', step: null, reason: null, next: null, since: null },
  claude: { version: null, model: null, permissionMode: 'default', effort: null, slashCommands: [] },
  turn: null,
  lastTurn: null,
  queue: [],
  approvals: [],
  todo: [],
  terminals: [],
  usage: noTokens,
  costUsd: 0,
  rewinding: null,
  fork: null,
  setup: null,
  contextTokens: 0,
};

type Reducers = {
  [T in SessionEvent['type']]: (
    state: SessionState,
    event: Extract<SessionEvent, { type: T }>,
    at: string,
  ) => SessionState;
};

const same = (state: SessionState): SessionState => state;
const withTerminal = (state: SessionState, id: string, patch: Partial<TerminalState>): SessionState => ({
  ...state,
  terminals: state.terminals.map((terminal) => (terminal.terminalId === id ? { ...terminal, ...patch } : terminal)),
});
const withoutApproval = (state: SessionState, id: string): SessionState => ({
  ...state,
  approvals: state.approvals.filter((open) => open.approvalId !== id),
});

/** Of the script that was asked for last, until it ends; what another one says, or what comes later, does not count. */
const withSetup = (state: SessionState, id: string, patch: Partial<SetupState>): SessionState =>
  state.setup?.setupId === id && isSettingUp(state) ? { ...state, setup: { ...state.setup, ...patch } } : state;
/** Before Claude may be asked anything. */
export const isSettingUp = ({ setup }: Pick<SessionState, 'setup'>): boolean =>
  setup?.status === 'waiting' || setup?.status === 'running';

const reducers: Reducers = {
  'session.created': (state, event) => ({
    ...state,
    name: event.name,
    claude: { ...state.claude, model: event.model, permissionMode: event.permissionMode },
  }),
  // What the other session had open is none of this one's.
  'session.forked': (state, { from }) => ({
    ...state,
    fork: { ...from, isFilled: false },
    turn: null,
    queue: [],
    approvals: [],
    terminals: [],
    rewinding: null,
    setup: null,
  }),
  'fork.filled': (state) => (state.fork === null ? state : { ...state, fork: { ...state.fork, isFilled: true } }),
  'session.renamed': (state, event) => ({ ...state, name: event.name }),
  'message.user': (state, event, at) => ({
    ...state,
    queue: [...state.queue, { messageId: event.messageId, by: event.by, text: event.text, at, taskId: event.taskId }],
  }),
  'message.withdrawn': (state, event) => ({
    ...state,
    queue: state.queue.filter((queued) => queued.messageId !== event.messageId),
  }),
  'turn.started': (state, event, at) => ({
    ...state,
    turn: { turnId: event.turnId, messageIds: event.messageIds, startedAt: at },
    lastTurn: state.lastTurn,
    queue: state.queue.filter((queued) => !event.messageIds.includes(queued.messageId)),
  }),
  'turn.ended': (state, event, at) =>
    state.turn?.turnId === event.turnId
      ? {
          ...state,
          turn: null,
          lastTurn: { turnId: event.turnId, outcome: event.outcome, reason: event.reason, at, ofTask: false },
        }
      : state,
  'approval.asked': (state, event) => ({
    ...state,
    approvals: [...state.approvals.filter((open) => open.approvalId !== event.approval.approvalId), event.approval],
  }),
  'approval.answered': (state, event) => withoutApproval(state, event.approvalId),
  'approval.expired': (state, event) => withoutApproval(state, event.approvalId),
  'place.changed': (state, { wanted, status, step, reason, next, diskGone }, at) => ({
    ...state,
    // What ended with its place is begun again in the next one.
    setup:
      state.setup?.status === 'running' && status !== 'running' && status !== 'unreachable'
        ? { ...state.setup, status: 'waiting', startedAt: null }
        : state.setup,
    wanted,
    place: { status, step, reason, next, since: at, ...(diskGone && { diskGone }) },
  }),
  'task.changed': (state, event) =>
    event.status === 'done' && state.lastTurn !== null
      ? { ...state, lastTurn: { ...state.lastTurn, ofTask: true } }
      : state,
  'usage.recorded': (state, event) => ({
    ...state,
    usage: addTokens(state.usage, event.usage),
    costUsd: state.costUsd + event.costUsd,
    contextTokens: event.usage.inputTokens + event.usage.cacheReadTokens + event.usage.cacheWriteTokens,
  }),
  'claude.started': (state, event) => ({
    ...state,
    claude: { ...state.claude, version: event.version, slashCommands: event.slashCommands },
  }),
  'claude.configured': (state, event) => ({
    ...state,
    claude: { ...state.claude, model: event.model, permissionMode: event.permissionMode, effort: event.effort },
  }),
  'todo.changed': (state, event) => ({ ...state, todo: event.items }),
  'terminal.opened': (state, event) => ({
    ...state,
    terminals: [
      ...state.terminals.filter((terminal) => terminal.terminalId !== event.terminalId),
      {
        terminalId: event.terminalId,
        name: event.name,
        cols: event.cols,
        rows: event.rows,
        ended: false,
        exitCode: null,
        reason: null,
      },
    ],
  }),
  'terminal.renamed': (state, event) => withTerminal(state, event.terminalId, { name: event.name }),
  'terminal.ended': (state, event) =>
    withTerminal(state, event.terminalId, { ended: true, exitCode: event.exitCode, reason: event.reason }),
  'terminal.closed': (state, event) => ({
    ...state,
    terminals: state.terminals.filter((terminal) => terminal.terminalId !== event.terminalId),
  }),
  'rewind.asked': (state, { rewindId, by, what }) => ({ ...state, rewinding: { rewindId, by, what } }),
  'rewind.done': (state, event) => ({
    ...state,
    rewinding: state.rewinding?.rewindId === event.rewindId ? null : state.rewinding,
    // The list is of a conversation that Claude no longer has.
    todo: event.what === 'files' ? state.todo : [],
    // Nobody knows how much Claude reads now, before the next call.
    contextTokens: event.what === 'files' ? state.contextTokens : 0,
  }),
  'command.refused': (state, event) =>
    state.rewinding?.rewindId === event.commandId
      ? { ...state, rewinding: null }
      : withSetup(state, event.commandId, { status: 'failed', reason: event.reason }),
  'setup.asked': (state, { setupId, by }) => ({
    ...state,
    setup: { setupId, by, status: 'waiting', exitCode: null, reason: null, startedAt: null, tail: '' },
  }),
  'setup.started': (state, { setupId }, at) =>
    withSetup(state, setupId, { status: 'running', startedAt: at, tail: '' }),
  'setup.output': (state, { setupId, text }) =>
    withSetup(state, setupId, { tail: ((state.setup?.tail ?? '') + text).slice(-maxSetupTail) }),
  'setup.ended': (state, { setupId, outcome, exitCode, reason, output }) =>
    withSetup(state, setupId, {
      status: outcome === 'failed' ? 'failed' : 'done',
      exitCode,
      reason,
      tail: output.text.slice(-maxSetupTail),
    }),
  'checkpoint.taken': same,
  'checkpoint.dropped': same,
  text: same,
  thinking: same,
  'block.interrupted': same,
  'tool.called': same,
  'tool.finished': same,
  'context.compacted': same,
};

/** The state after one more event. */
export const reduceSession = (state: SessionState, { event, at }: Pick<NumberedEvent, 'event' | 'at'>): SessionState =>
  (reducers[event.type] as (state: SessionState, event: SessionEvent, at: string) => SessionState)(state, event, at);

/** The word shown for a session, from what is wanted, what its place does and what Claude does. */
export const shownStatusOf = (
  state: Pick<SessionState, 'wanted' | 'place' | 'turn' | 'approvals' | 'lastTurn' | 'setup'>,
): ShownStatus => {
  const { wanted, place } = state;
  if (wanted === 'terminated') return 'terminated';
  if (wanted === 'stopped') {
    // It could not be stopped.
    if (place.status === 'failed') return 'failed';
    return place.status === 'none' || place.status === 'stopped' ? 'stopped' : 'stopping';
  }
  switch (place.status) {
    case 'queued':
      return 'queued';
    case 'none':
    case 'starting':
    case 'stopping':
    case 'stopped':
      return 'starting';
    case 'failed':
      return 'failed';
    case 'unreachable':
      return 'unreachable';
    case 'running':
      if (state.approvals.length > 0) return 'needs_input';
      if (state.turn !== null) return 'working';
      if (isSettingUp(state)) return 'starting';
      return state.lastTurn?.ofTask === true ? 'completed' : 'idle';
  }
};

/** The sentence for each word, so that page, tests and command line say the same. */
export const shownWords: Readonly<Record<ShownStatus, string>> = {
  starting: 'Starting',
  queued: 'Queued',
  working: 'Working',
  needs_input: 'Needs input',
  idle: 'Idle',
  completed: 'Completed',
  unreachable: 'Unreachable, still running',
  failed: 'Failed',
  stopping: 'Stopping',
  stopped: 'Stopped',
  terminated: 'Terminated',
};
