/**
 * Claude asks, a person answers, however long that takes: a closed browser, a lost link and a new server all mean waiting.
 * It does not know who answers, nor how the question reaches them.
 *
 * Invariants:
 * - A question is on the disk before anyone can answer it, and it ends once: answered, or expired with its call.
 * - An answer for a call that is not waiting changes nothing and is refused in words; one that is told again while the
 *   call it released runs is passed over, because the call's end will mark it as done.
 */
import type { CanUseTool, PermissionResult } from '@anthropic-ai/claude-agent-sdk';
import type { AgentCommand, ApprovalId, ApprovalKind, CommandId, OpenApproval, TurnId } from '@remote-claude/contract';

import type { Propose } from '../parts.js';
import { boundedInput, shortened } from './bounded.js';
import { isAllowedBy, ruleFor, updatesOf, wordsOf, type AskedFor, type SessionRule } from './session-rules.js';
import { titleOf } from './titles.js';
import type { ToolCalls } from './tool-calls.js';

type Answer = Extract<AgentCommand, { type: 'answer' }>;

export interface Approvals {
  canUseTool: CanUseTool;
  /** null where it was taken (or is taken already), else why there is nothing to answer. */
  answer(command: Answer): string | null;
  expireAll(reason: string): Promise<void>;
  open(): readonly ApprovalId[];
}

export interface ApprovalsDeps {
  propose: Propose;
  keepBlob(text: string): string | null;
  tools: ToolCalls;
  workspace: string;
  now(): number;
  /** The turn that a call without a known parent belongs to. */
  turnId(): TurnId | null;
  /** Words for the subagent with this id. */
  agentName(agentId: string): string | null;
  /** The tool call that started that subagent. */
  parentOf(agentId: string): string | null;
  rules(): readonly SessionRule[];
  addRule(rule: SessionRule): void;
  onChange(): void;
}

interface Pending {
  kind: ApprovalKind;
  input: Record<string, unknown>;
  /** The event has less than the whole input, so what comes back must not replace it. */
  wasCut: boolean;
  rule: SessionRule | null;
  settle(result: PermissionResult): void;
}

const kinds: Readonly<Record<string, ApprovalKind>> = { AskUserQuestion: 'question', ExitPlanMode: 'plan' };
const maxTitle = 500;

export const createApprovals = (deps: ApprovalsDeps): Approvals => {
  const { propose, keepBlob, tools, workspace, now, turnId, agentName, parentOf, rules, addRule, onChange } = deps;
  const pending = new Map<ApprovalId, Pending>();
  /** Answers whose call has not ended, so that one told again is known. */
  const answered = new Map<CommandId, ApprovalId>();

  const expire = async (id: ApprovalId, reason: string): Promise<void> => {
    const asked = pending.get(id);
    if (asked === undefined) return;
    pending.delete(id);
    onChange();
    asked.settle({ behavior: 'deny', message: reason });
    await propose({ type: 'approval.expired', approvalId: id, reason });
  };

  const canUseTool: CanUseTool = async (tool, input, options) => {
    const { toolUseID, signal, suggestions = [], suppressAlwaysAllowRule, matchedAskRule } = options;
    const id = toolUseID as ApprovalId;
    const kind = kinds[tool] ?? 'tool';
    const onceOnly = kind !== 'tool' || suppressAlwaysAllowRule === true || matchedAskRule !== undefined;
    const asked: AskedFor = { tool, input, suggestions, onceOnly };
    const turn = turnId();
    const parentToolUseId = options.agentID === undefined ? null : parentOf(options.agentID);
    if (turn !== null) await tools.called({ toolUseId: id, name: tool, input, parentToolUseId }, turn);
    if (isAllowedBy(rules(), asked)) return { behavior: 'allow', updatedInput: input };

    const shown = boundedInput(input, keepBlob);
    const rule = ruleFor(asked);
    const title = shortened(options.title ?? titleOf(tool, input, workspace), maxTitle);
    const approval: OpenApproval = {
      approvalId: id,
      turnId: tools.get(id)?.turnId ?? turn,
      kind,
      tool,
      title,
      ...shown,
      sessionRule: rule === null ? null : wordsOf(rule),
      agent: options.agentID === undefined ? null : (agentName(options.agentID) ?? 'A subagent'),
      askedAt: new Date(now()).toISOString(),
    };
    const result = new Promise<PermissionResult>((settle) => {
      pending.set(id, { kind, input, wasCut: shown.wholeInput !== undefined, rule, settle });
    });
    tools.asks(id);
    onChange();
    await propose({ type: 'approval.asked', approval });
    const abort = (): void => void expire(id, 'The turn was ended before anyone answered.');
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    return result.finally(() => signal.removeEventListener('abort', abort));
  };

  const allow = (asked: Pending, { answer }: Answer): PermissionResult => {
    const rule = answer.scope === 'session' ? asked.rule : null;
    if (rule !== null) addRule(rule);
    return {
      behavior: 'allow',
      updatedInput: inputOf(asked, answer.input),
      ...(rule === null ? {} : { updatedPermissions: updatesOf(rule) }),
      decisionClassification: rule === null ? 'user_temporary' : 'user_permanent',
    };
  };

  return {
    canUseTool,
    answer: (command) => {
      const { id, approvalId, answer } = command;
      if (answered.has(id)) return null;
      const asked = pending.get(approvalId);
      if (asked === undefined) return 'The call that asked is gone or was answered.';
      if (asked.wasCut && answer.decision === 'allow' && answer.input !== undefined) {
        return 'This input is too large to be changed here. Allow it as it is, or deny it.';
      }
      for (const [command, of] of answered) {
        if (tools.get(of) === undefined) answered.delete(command);
      }
      answered.set(id, approvalId);
      pending.delete(approvalId);
      if (answer.decision === 'allow') tools.released(approvalId, id);
      else tools.denied(approvalId, id);
      onChange();
      asked.settle(answer.decision === 'allow' ? allow(asked, command) : deny(asked.kind, answer.reason));
      return null;
    },
    expireAll: async (reason) => {
      await Promise.all([...pending.keys()].map((id) => expire(id, reason)));
    },
    open: () => [...pending.keys()],
  };
};

/** A form's answers join the questions; any other input that a person sends replaces what Claude wrote. */
const inputOf = ({ kind, input }: Pending, sent: Record<string, unknown> | undefined): Record<string, unknown> => {
  if (sent === undefined) return input;
  return kind === 'question' ? { ...input, answers: sent['answers'] ?? {} } : sent;
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
