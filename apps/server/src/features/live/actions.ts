// What a viewer's messages can do besides watching: the services that HTTP uses, so that both have one set of rules.

import type { ApprovalAnswer, ApprovalId, ClaudeSettings, CommandId, TurnId } from '@remote-claude/contract';

import type { Actor } from '../../platform/http/index.js';

export interface LiveRequest {
  actor: Actor;
  ip: string;
}

/** Each is done once for one id, and is stored when its promise resolves. */
export interface LiveActions {
  say(request: LiveRequest, sessionId: string, command: { id: CommandId; prompt: string }): Promise<void>;
  interrupt(
    request: LiveRequest,
    sessionId: string,
    command: { id: CommandId; turnId?: TurnId | undefined },
  ): Promise<void>;
  withdraw(request: LiveRequest, sessionId: string, command: { id: CommandId; messageId: CommandId }): Promise<void>;
  answer(
    request: LiveRequest,
    sessionId: string,
    command: { id: CommandId; approvalId: ApprovalId; answer: ApprovalAnswer },
  ): Promise<void>;
  configure(
    request: LiveRequest,
    sessionId: string,
    command: { id: CommandId; settings: ClaudeSettings },
  ): Promise<void>;
  /** Written before an act that happens in the session. */
  audit(request: LiveRequest, sessionId: string, action: string, details: Record<string, unknown>): Promise<void>;
}
