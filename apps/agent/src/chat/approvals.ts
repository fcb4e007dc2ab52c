/**
 * Claude asks, a person answers, however long that takes: a closed browser, a lost link, a new server and a process that
 * ends all mean waiting. It does not know who answers, nor how the question reaches them.
 *
 * Invariants:
 * - A question is on the disk before anyone can answer it, and it ends once: answered, or expired.
 * - A call whose process ended while it waited never ran. It is kept under its id; answered, Claude is asked to make it
 *   again, and the answer is used up by one call of the same tool with the same input.
 * - An answer for a call that is not waiting changes nothing and is refused in words; one that is told again while the
 *   call it released runs is passed over, because the call's end will mark it as done.
 */
import { isDeepStrictEqual } from 'node:util';

import type { CanUseTool, PermissionResult } from '@anthropic-ai/claude-agent-sdk';
import type { ApprovalRule, ApprovalId, ApprovalKind, CommandId, OpenApproval, TurnId } from '@remote-claude/contract';

import type { Propose } from '../parts.js';
import { boundedInput, shortened } from './bounded.js';
import {
  isAllowedBy,
  isAlwaysAllowed,
  ruleFor,
  updatesOf,
  wordsOf,
  type AskedFor,
  type SessionRule,
} from './session-rules.js';
import { titleOf } from './titles.js';
import type { ToolCalls } from './tool-calls.js';
import { inputOf, whyGone, wordsFor, type Answer, type WaitingCall } from './waiting-calls.js';

/** What is said to Claude, unseen, for an answer whose call must be made again. */
export interface Resumption {
  text: string;
  messageIds: readonly CommandId[];
  /** A denial has nothing to wait for: with the turn it is done. */
  isAll: boolean;
}

export interface Approvals {
  canUseTool: CanUseTool;
  /** `resume`: the process that asked is gone, so a turn must be begun for this answer. */
  answer(command: Answer): Promise<'taken' | 'resume' | { refused: string }>;
  /** The turn for an answer begins, unless the answer was used in the meantime or its question is gone. */
  resumption(command: CommandId): Resumption | 'used' | { refused: string };
  /** That turn is over. Where the answer was not used up: it is kept for another try if it may be, else forgotten and returned. */
  unused(command: CommandId, mayTryAgain: boolean): Answer | 'again' | null;
  /** Nobody is to answer these any more. */
  expireAll(reason: string): Promise<void>;
  /** Everything expires, what was kept for later too: the conversation that asked is left. */
  forgetAll(reason: string): Promise<void>;
  /** The process is gone: what can be asked of Claude again is kept, the rest expires. */
  keepAll(): Promise<void>;
  /** Everything that waits, for the record of what is under way. */
  waiting(): readonly WaitingCall[];
  /** The question reaches nobody: the call goes on without an answer, instead of waiting for ever. */
  unasked(id: ApprovalId, reason: string): void;
}

export interface ApprovalsDeps {
  propose: Propose;
  keepBlob(text: string): string | null;
  tools: ToolCalls;
  workspace: string;
  now(): number;
  /** The turn that a call without a known parent belongs to. */
  turnId(): TurnId | null;
  messageIds(): readonly CommandId[];
  /** Words for the subagent with this id. */
  agentName(agentId: string): string | null;
  /** The tool call that started that subagent. */
  parentOf(agentId: string): string | null;
  rules(): readonly SessionRule[];
  /** What the session's owner always allows, in all sessions. */
  standing(): readonly ApprovalRule[];
  addRule(rule: SessionRule): void;
  /** Whether the process of Claude Code ends now, and nobody asked it to stop. */
  isLost(): Promise<boolean>;
  /** What an earlier life left waiting. */
  left: readonly WaitingCall[];
  onChange(): void;
}

interface Pending {
  call: WaitingCall;
  toolUseId: string;
  settle(result: PermissionResult): void;
  /** Claude Code let go of the question: why will be known in a moment. */
  fate: Promise<void> | null;
}
interface Kept {
  call: WaitingCall;
  answer: Answer | null;
  tries: number;
}

const kinds: Readonly<Record<string, ApprovalKind>> = { AskUserQuestion: 'question', ExitPlanMode: 'plan' };
const maxTitle = 500;
const maxTries = 3;
const gone = 'The call that asked is gone or was answered.';

export const createApprovals = (deps: ApprovalsDeps): Approvals => {
  const { propose, keepBlob, tools, workspace, now, turnId, agentName, parentOf, rules, addRule, isLost, onChange } =
    deps;
  const pending = new Map<ApprovalId, Pending>();
  const kept = new Map<ApprovalId, Kept>(
    deps.left.map((call) => [call.approval.approvalId, { call, answer: null, tries: 0 }]),
  );
  /** Answers whose call has not ended, so that one told again is known. */
  const answered = new Map<CommandId, string>();

  const ask = async (call: WaitingCall): Promise<void> => {
    if (call.isAsked) return;
    await propose({ type: 'approval.asked', approval: call.approval });
    call.isAsked = true;
    onChange();
  };

  const take = (id: ApprovalId, reason: string): WaitingCall | null => {
    const asked = pending.get(id);
    if (asked === undefined) return null;
    pending.delete(id);
    asked.settle({ behavior: 'deny', message: reason });
    return asked.call;
  };

  const expire = async (id: ApprovalId, reason: string): Promise<void> => {
    if (take(id, reason) === null) return;
    onChange();
    await propose({ type: 'approval.expired', approvalId: id, reason });
  };

  const keep = async (id: ApprovalId): Promise<void> => {
    const call = pending.get(id)?.call;
    if (call === undefined) return;
    const reason = whyGone(call);
    if (reason !== null) return expire(id, reason);
    take(id, 'The process of Claude Code ended.');
    kept.set(id, { call, answer: null, tries: 0 });
    onChange();
  };

  /** Claude Code let go of a question: the turn was stopped, or the process ends. */
  const letGo = (id: ApprovalId): void => {
    const asked = pending.get(id);
    if (asked === undefined) return;
    asked.fate = isLost().then((lost) => (lost ? keep(id) : expire(id, 'The turn was ended before anyone answered.')));
  };

  const wait = (call: WaitingCall, toolUseId: string, signal: AbortSignal): Promise<PermissionResult> => {
    const id = call.approval.approvalId;
    const result = new Promise<PermissionResult>((settle) => {
      pending.set(id, { call, toolUseId, settle, fate: null });
    });
    tools.asks(toolUseId);
    onChange();
    const onAbort = (): void => letGo(id);
    return ask(call).then(() => {
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
      return result.finally(() => signal.removeEventListener('abort', onAbort));
    });
  };

  /** Where Claude makes a kept call again: the same question, answered perhaps already. */
  const again = (found: Kept, toolUseId: string, signal: AbortSignal): Promise<PermissionResult> => {
    const { call, answer } = found;
    kept.delete(call.approval.approvalId);
    if (answer === null) return wait(call, toolUseId, signal);
    return Promise.resolve(release(call, toolUseId, answer));
  };

  const canUseTool: CanUseTool = async (tool, input, options) => {
    const { toolUseID, agentID, signal, suggestions = [], suppressAlwaysAllowRule, matchedAskRule } = options;
    const id = toolUseID as ApprovalId;
    const kind = kinds[tool] ?? 'tool';
    const onceOnly = kind !== 'tool' || suppressAlwaysAllowRule === true || matchedAskRule !== undefined;
    const asked: AskedFor = { tool, input, suggestions, onceOnly };
    const turn = turnId();
    const parentToolUseId = agentID === undefined ? null : parentOf(agentID);
    if (turn !== null) await tools.called({ toolUseId: id, name: tool, input, parentToolUseId }, turn);
    const isSame = ({ call }: Kept): boolean =>
      call.approval.tool === tool && isDeepStrictEqual(inputOf(call), JSON.parse(JSON.stringify(input)));
    const found = agentID === undefined ? [...kept.values()].find(isSame) : undefined;
    if (found !== undefined) return again(found, id, signal);
    if (isAllowedBy(rules(), asked) || isAlwaysAllowed(deps.standing(), asked))
      return { behavior: 'allow', updatedInput: input };

    const shown = boundedInput(input, keepBlob);
    const rule = ruleFor(asked);
    const title = shortened(options.title ?? titleOf(tool, input, workspace), maxTitle);
    const approval: OpenApproval = {
      approvalId: id,
      turnId: tools.get(id)?.turnId ?? turn,
      messageIds: deps.messageIds().slice(0, 100),
      kind,
      tool,
      title,
      ...shown,
      sessionRule: rule === null ? null : wordsOf(rule),
      agent: agentID === undefined ? null : (agentName(agentID) ?? 'A subagent'),
      askedAt: new Date(now()).toISOString(),
    };
    const call: WaitingCall = {
      approval,
      uncut: shown.wholeInput === undefined ? null : input,
      rule,
      messageIds: [...deps.messageIds()],
      ofSubagent: agentID !== undefined,
      isAsked: false,
    };
    return wait(call, id, signal);
  };

  /** The record that the call may run is on the disk before it does. */
  const release = (call: WaitingCall, toolUseId: string, { id, answer }: Answer): PermissionResult => {
    for (const [command, of] of answered) {
      if (tools.get(of) === undefined) answered.delete(command);
    }
    answered.set(id, toolUseId);
    if (answer.decision === 'allow') tools.released(toolUseId, id);
    else tools.denied(toolUseId, id);
    onChange();
    if (answer.decision === 'deny') return deny(call.approval.kind, answer.reason);
    const rule = answer.scope === 'session' ? call.rule : null;
    if (rule !== null) addRule(rule);
    return {
      behavior: 'allow',
      updatedInput: runInput(call, answer.input),
      ...(rule === null ? {} : { updatedPermissions: updatesOf(rule) }),
      decisionClassification: rule === null ? 'user_temporary' : 'user_permanent',
    };
  };

  const keptFor = (command: CommandId): Kept | undefined =>
    [...kept.values()].find(({ answer }) => answer?.id === command);

  for (const { call } of kept.values()) void ask(call);
  return {
    canUseTool,
    answer: async (command) => {
      const { id, approvalId, answer } = command;
      if (answered.has(id)) return 'taken';
      await pending.get(approvalId)?.fate;
      const asked = pending.get(approvalId);
      const call = asked?.call ?? kept.get(approvalId)?.call;
      if (call === undefined) return { refused: gone };
      if (call.uncut !== null && answer.decision === 'allow' && answer.input !== undefined) {
        const refused = 'This input is too large to be changed here. Allow it as it is, or deny it.';
        return { refused };
      }
      if (asked !== undefined) {
        pending.delete(approvalId);
        asked.settle(release(call, asked.toolUseId, command));
        return 'taken';
      }
      const before = kept.get(approvalId)?.answer ?? null;
      if (before !== null) return before.id === id ? 'taken' : { refused: gone };
      kept.set(approvalId, { call, answer: command, tries: 0 });
      return 'resume';
    },
    resumption: (command) => {
      const found = keptFor(command);
      // A rewind may have taken the question away while its answer waited.
      if (found === undefined || found.answer === null) return answered.has(command) ? 'used' : { refused: gone };
      const { call, answer } = found;
      const isAll = answer.answer.decision === 'deny';
      if (isAll) kept.delete(call.approval.approvalId);
      found.tries += 1;
      onChange();
      return { text: wordsFor(call, answer), messageIds: call.messageIds, isAll };
    },
    unused: (command, mayTryAgain) => {
      const found = keptFor(command);
      if (found === undefined) return null;
      if (mayTryAgain && found.tries < maxTries) return 'again';
      kept.delete(found.call.approval.approvalId);
      onChange();
      return found.answer;
    },
    expireAll: async (reason) => {
      await Promise.all([...pending.keys()].map((id) => expire(id, reason)));
    },
    forgetAll: async (reason) => {
      await Promise.all([...pending.keys()].map((id) => expire(id, reason)));
      const left = [...kept.keys()];
      kept.clear();
      onChange();
      for (const approvalId of left) await propose({ type: 'approval.expired', approvalId, reason });
    },
    keepAll: async () => {
      await Promise.all([...pending.keys()].map(keep));
    },
    waiting: () => [...pending.values(), ...kept.values()].map(({ call }) => call),
    unasked: (id, reason) => {
      const asked = pending.get(id);
      if (asked !== undefined) tools.denied(asked.toolUseId, null);
      take(id, `The user could not be asked: ${reason}.`);
      kept.delete(id);
      onChange();
    },
  };
};

/** A form's answers join the questions; any other input that a person sends replaces what Claude wrote. */
const runInput = (call: WaitingCall, sent: Record<string, unknown> | undefined): Record<string, unknown> => {
  if (sent === undefined) return inputOf(call);
  return call.approval.kind === 'question' ? { ...inputOf(call), answers: sent['answers'] ?? {} } : sent;
};

const deny = (kind: ApprovalKind, reason: string | undefined): PermissionResult => {
  const plain: Record<ApprovalKind, string> = {
    tool: 'The user denied this. Do not try it again in another way; ask what to do instead.',
    question: 'The user did not answer the question. Go on with your best judgement, or ask in another way.',
    plan: 'The user does not accept this plan. Stay in plan mode and ask what should be different.',
  };
  const hasReason = reason !== undefined && reason !== '';
  return {
    behavior: 'deny',
    message: hasReason ? `The user denied this and said: ${reason}` : plain[kind],
    decisionClassification: 'user_reject',
  };
};
