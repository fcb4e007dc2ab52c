// Talking to Claude: what people say, answer and change becomes rows and events in one transaction.
// It tells no agent anything: the session-manager delivers what is stored here.

import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  alwaysRuleOf,
  AppError,
  approvalId as approvalIdForm,
  type AgentCommand,
  type Approval,
  type ApprovalAnswer,
  type ApprovalId,
  type ApprovalScope,
  type ClaudeSettings,
  type CommandId,
  type NumberedEvent,
  type SessionState,
  type TaskId,
  type TurnId,
} from '@remote-claude/contract';

import type { Clock } from '../../platform/clock.js';
import { storable, type Database, type Trx } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import { decodeCursor, encodeCursor } from '../../platform/page-cursor.js';
import { mayProject } from '../access/index.js';
import type { Audit } from '../audit/index.js';
import type { Commands, Events } from '../events/index.js';
import type { ApprovalRules } from './rules.js';
import type { ClaudeStore, SessionPart } from './store.js';
import { waitForTurn, type TurnAnswer } from './wait.js';

export interface ClaudeDeps {
  database: Database;
  store: ClaudeStore;
  events: Events;
  commands: Commands;
  rules: Pick<ApprovalRules, 'add'>;
  audit: Audit;
  clock: Clock;
  /** Throws where this model may not be used here. */
  requireModel(model: string): void;
  /** How long a caller may wait for a turn. */
  maxWaitMs: number;
}

/** Who acts in which session; every act has an id, so that doing it twice has the effect of once. */
export interface ClaudeAct {
  actor: Actor;
  sessionId: string;
  ip: string;
  id?: CommandId | undefined;
}

/** Which turn an interrupt is for: the one that is named, the one that works on a message, or whichever runs now. */
export interface InterruptTarget {
  turnId?: TurnId | undefined;
  messageId?: CommandId;
}

const maxQueued = 100;
/** More than anyone's sessions may ask at a time. */
const maxCovered = 1_000;

/** The scopes that add a rule: in all sessions of the person, or of the project. */
const lastingScope = ({ decision, scope }: ApprovalAnswer): 'project' | 'always' | null =>
  decision === 'allow' && (scope === 'always' || scope === 'project') ? scope : null;

/** Whether a question would have made the very same rule; of edits only those that the session's rule has in the same words. */
const isCoveredWith = (first: Approval, asked: Approval): boolean => {
  const rule = alwaysRuleOf(asked);
  if (rule === null || !isDeepStrictEqual(rule, alwaysRuleOf(first))) return false;
  return rule.kind !== 'edits' || asked.sessionRule === first.sessionRule;
};

export const createClaude = (deps: ClaudeDeps) => {
  const { database, store, events, commands, rules, audit, clock } = deps;

  /** Stores one command with all that belongs to it. The same id again is the same act, with other content it is refused. */
  const command = async (
    trx: Trx,
    act: ClaudeAct,
    told: AgentCommand,
    more: { action: string; details?: Record<string, unknown>; also(state: SessionState): Promise<void> },
  ): Promise<void> => {
    const { sessionId, actor } = act;
    const { state, command: before } = await events.lockWithCommand(trx, sessionId, told.id);
    if (before !== null) {
      if (
        before.author === actor.userId &&
        isDeepStrictEqual(before.command, storable(JSON.parse(JSON.stringify(told))))
      )
        return;
      throw new AppError('conflict', { message: 'This id was used for something else. Send it again with a new id.' });
    }
    await more.also(state);
    await audit.record(trx, {
      userId: actor.userId,
      sessionId,
      action: more.action,
      details: { commandId: told.id, ...more.details },
      ip: act.ip,
    });
    await commands.enqueue(trx, { sessionId, author: actor.userId, command: told });
  };

  const requireRunning = (state: SessionState): void => {
    if (state.wanted !== 'running') throw new AppError('session_not_running');
    if (state.place.status === 'failed') {
      throw new AppError('session_not_running', {
        message: 'This session could not be started. Start it again first.',
      });
    }
  };

  const newId = (act: ClaudeAct): CommandId => act.id ?? (randomUUID() as CommandId);

  /** Tells a running session something that has no event of its own. */
  const tellIn = async (trx: Trx, act: ClaudeAct, action: string, told: AgentCommand) => {
    await command(trx, act, told, { action, also: async (state) => requireRunning(state) });
    return { commandId: told.id };
  };
  const tell = (act: ClaudeAct, action: string, told: AgentCommand): Promise<{ commandId: CommandId }> =>
    database.transaction((trx) => tellIn(trx, act, action, told));

  /** Fixes the turn that is meant when it is given, so that an interrupt that arrives late stops nothing else. */
  const interrupted = async (trx: Trx, act: ClaudeAct, { turnId, messageId }: InterruptTarget) => {
    const id = newId(act);
    const { turn } = (await events.lock(trx, act.sessionId)).state;
    const runs = turn !== null && (messageId === undefined || turn.messageIds.includes(messageId));
    const before = act.id === undefined ? null : await commands.find(trx, act.sessionId, id);
    const known = before?.command.type === 'interrupt' ? before.command.turnId : undefined;
    const running = runs ? turn.turnId : null;
    const meant = turnId ?? (known === undefined ? running : known);
    return tellIn(trx, act, 'claude.interrupt', { id, type: 'interrupt', turnId: meant });
  };

  const say = async (
    trx: Trx,
    act: ClaudeAct & { id: CommandId },
    said: string,
    taskId: TaskId | null,
  ): Promise<void> => {
    // What the database would change anyway, so that a repeat is recognised.
    const text = said.replace(/\0|\p{Surrogate}/gu, '\ufffd');
    const { actor, sessionId, id } = act;
    await command(
      trx,
      act,
      { id, type: 'prompt', prompt: text },
      {
        action: taskId === null ? 'claude.chat' : 'tasks.create',
        details: { characters: text.length, ...(taskId === null ? {} : { taskId }) },
        async also(state) {
          requireRunning(state);
          if (state.queue.length >= maxQueued) {
            throw new AppError('conflict', {
              message: `${maxQueued} messages are waiting already. Let Claude work on them first.`,
            });
          }
          const by = { userId: actor.userId, name: actor.name };
          const bounded = await events.boundText(trx, sessionId, text);
          const event = { type: 'message.user' as const, messageId: id, by, text: bounded, taskId };
          // Its command is new under the lock, so it is too.
          const options = { by: 'server', isNew: true } as const;
          const { rejected } = await events.append(sessionId, [{ source: `message:${id}`, n: 1, event }], options, trx);
          // Nobody would see what Claude works on.
          if (rejected.length > 0) {
            throw new AppError('payload_too_large', {
              message:
                'The messages that wait already fill the queue. Let Claude work on them first; nothing was sent.',
            });
          }
        },
      },
    );
  };

  const answered = async (
    trx: Trx,
    act: ClaudeAct,
    approvalId: ApprovalId,
    answer: ApprovalAnswer,
  ): Promise<Approval> => {
    const { sessionId, actor } = act;
    const id = newId(act);
    await events.lock(trx, sessionId);
    const approval = await store.approval(trx, sessionId, approvalId);
    if (approval === null) throw new AppError('not_found');
    // The same answer under the same id is a repeat, not a second answer.
    const repeated = act.id !== undefined && (await commands.find(trx, sessionId, act.id)) !== null;
    if (!repeated && approval.status !== 'open') throw closedApproval(approval);
    const part = await store.partOf(trx, sessionId, actor.userId);
    const lasting = lastingScope(answer);
    requireMayAllow(lasting, part);
    const forProject = answer.scope === 'project';
    // An agent learns of it by its rules, and one of the version before knows no such scope.
    const told = forProject ? ({ answer: { ...answer, scope: 'once' }, forProject } as const) : { answer };
    await command(
      trx,
      { ...act, id },
      { id, type: 'answer', approvalId, ...told },
      {
        action: 'claude.answer',
        details: {
          approvalId,
          tool: approval.tool,
          decision: answer.decision,
          scope: answer.scope,
          // What ran then is in the session's log.
          isEdited: approval.kind === 'tool' && answer.decision === 'allow' && answer.input !== undefined,
        },
        async also() {
          const { userId } = actor;
          if (lasting === 'always') await rules.add(trx, { userId }, approval);
          if (lasting === 'project') await rules.add(trx, { userId, projectId: part.projectId }, approval);
          await store.answer(trx, sessionId, approvalId, { answer, by: actor.userId, at: clock.now() });
          await events.record(trx, sessionId, [
            {
              type: 'approval.answered',
              approvalId,
              by: { userId: actor.userId, name: actor.name },
              decision: answer.decision,
              ...shownScope(answer.scope, part.projectName),
              input: answer.input ?? null,
              reason: answer.reason ?? null,
            },
          ]);
        },
      },
    );
    return (await store.approval(trx, sessionId, approvalId)) ?? approval;
  };

  /**
   * What waits in the person's sessions, or in the project's, and falls under the rule that was just made: it needs no answer
   * any more. Each in a transaction of its own, since it holds the lock of its session; what a crash leaves is asked, as before.
   */
  const answerCovered = async (
    { actor, ip }: ClaudeAct,
    first: Approval,
    scope: 'project' | 'always',
  ): Promise<void> => {
    const open =
      scope === 'always'
        ? await store.openOwnedBy(actor.userId, maxCovered)
        : await store.openBeside(first.sessionId, maxCovered);
    for (const { sessionId, approvalId } of open.filter((asked) => isCoveredWith(first, asked))) {
      await database
        .transaction((trx) => answered(trx, { actor, ip, sessionId }, approvalId, { decision: 'allow', scope }))
        .catch((error: unknown) => {
          // Somebody was quicker, or it is gone.
          if (!(error instanceof AppError)) throw error;
        });
    }
  };

  return {
    /** For other features that tell an agent something, with what they store beside it. */
    command,
    requireRunning,

    /** In the caller's transaction, for whoever says something in a person's name. */
    say,

    /** Stores a message. Says where in the log it stands, for `wait`. */
    async send(act: ClaudeAct, text: string): Promise<{ messageId: CommandId }> {
      const id = newId(act);
      await database.transaction((trx) => say(trx, { ...act, id }, text, null));
      return { messageId: id };
    },

    /** The answer of the turn that works on the message. */
    async wait(sessionId: string, messageId: CommandId, signal: AbortSignal): Promise<TurnAnswer> {
      const seq = await store.messageSeq(sessionId, messageId);
      if (seq === null) throw new AppError('not_found');
      return waitForTurn({ events, clock, maxWaitMs: deps.maxWaitMs }, { sessionId, messageId, afterSeq: seq, signal });
    },

    async history(
      sessionId: string,
      query: { after?: number | undefined; before?: number | undefined; limit: number },
    ): Promise<{ items: NumberedEvent[]; head: number; nextCursor: string | null }> {
      const { head } = await events.head(sessionId);
      const range = query.before === undefined ? { after: query.after ?? 0 } : { before: query.before };
      const items = await events.read(sessionId, range, query.limit);
      const last = items.at(-1)?.seq ?? head;
      return { items, head: Math.max(head, last), nextCursor: 'after' in range && last < head ? String(last) : null };
    },

    async blob(sessionId: string, hash: string): Promise<Buffer> {
      const bytes = await events.blob(sessionId, hash);
      if (bytes === null) throw new AppError('not_found', { message: 'The whole of this text was not kept.' });
      return bytes;
    },

    interrupt: (act: ClaudeAct, target: InterruptTarget = {}) =>
      database.transaction((trx) => interrupted(trx, act, target)),

    async configure(act: ClaudeAct, settings: ClaudeSettings): Promise<{ commandId: CommandId }> {
      if (typeof settings.model === 'string') deps.requireModel(settings.model);
      return tell(act, 'claude.configure', { id: newId(act), type: 'configure', settings });
    },

    withdraw: (act: ClaudeAct, messageId: CommandId) =>
      tell(act, 'claude.withdraw', { id: newId(act), type: 'withdraw', messageId }),

    /** Also while the session is stopped: the answer waits with the question. */
    async answer(act: ClaudeAct, approvalId: ApprovalId, answer: ApprovalAnswer): Promise<Approval> {
      const approval = await database.transaction((trx) => answered(trx, act, approvalId, answer));
      const lasting = lastingScope(answer);
      if (lasting !== null) await answerCovered(act, approval, lasting);
      return approval;
    },

    approvals: async (sessionId: string): Promise<{ items: Approval[]; nextCursor: null }> => ({
      items: await store.openOfSession(sessionId),
      nextCursor: null,
    }),

    async allApprovals({ actor }: { actor: Actor }, query: { cursor?: string | undefined; limit: number }) {
      const after = query.cursor === undefined ? null : decodeCursor(query.cursor, approvalIdForm);
      const rows = await store.openFor(actor.userId, after, query.limit + 1);
      const items = rows.slice(0, query.limit);
      const last = items.at(-1);
      return { items, nextCursor: rows.length > items.length && last !== undefined ? cursorOf(last) : null };
    },
  };
};
export type Claude = ReturnType<typeof createClaude>;

/** Whoever may answer here may allow once and for the session; what lasts counts in sessions that are others' too. */
const requireMayAllow = (lasting: 'project' | 'always' | null, part: SessionPart): void => {
  if (lasting === 'always' && !part.isOwner)
    throw new AppError('forbidden', {
      message: 'What is always allowed in a session is for its owner to say. Allow it once, or for this session.',
    });
  if (lasting === 'project' && !mayProject(part.projectRole, 'project.allow'))
    throw new AppError('forbidden', {
      message: 'What is allowed in a project is for its owners to say. Allow it once, or for this session.',
    });
};

/** As the log says it, which readers of the version before read too. */
const shownScope = (scope: ApprovalScope, projectName: string) =>
  scope === 'project' ? ({ scope: 'always', forProject: projectName } as const) : { scope };

const closedApproval = (approval: Approval): AppError =>
  approval.status === 'expired'
    ? new AppError('already_answered', {
        message: 'The call that asked is gone, so no answer can reach it.',
        status: 'expired',
      })
    : new AppError('already_answered', {
        message: `Already ${approval.decision === 'deny' ? 'denied' : 'allowed'} by ${approval.answeredBy?.name ?? 'somebody'}.`,
        answeredBy: approval.answeredBy,
        answeredAt: approval.answeredAt,
        decision: approval.decision,
      });

const cursorOf = ({ askedAt, approvalId: id }: Approval): string => encodeCursor({ at: new Date(askedAt), id });
