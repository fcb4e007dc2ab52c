/**
 * What Claude Code asks before it runs a tool, and tells afterwards: a call waits for the checkpoint of its turn and is
 * recorded before it runs. It does not know who allows it.
 */
import type { HookCallback } from '@anthropic-ai/claude-agent-sdk';

import type { ToolCalls } from './tool-calls.js';
import type { Translator } from './translate.js';
import type { Turns } from './turns.js';

export interface ToolHookDeps {
  turns: Pick<Turns, 'current' | 'lastId'>;
  translator: Pick<Translator, 'parentOf'>;
  toolCalls: Pick<ToolCalls, 'called' | 'took'>;
  /** The turn's checkpoint is taken, or given up. */
  ready(): Promise<void>;
}

const tooLate = {
  hookSpecificOutput: {
    hookEventName: 'PreToolUse',
    permissionDecision: 'deny',
    permissionDecisionReason: 'The turn ended before this call could run.',
  },
} as const;

export const createToolHook =
  ({ turns, translator, toolCalls, ready }: ToolHookDeps): HookCallback =>
  async (input) => {
    if (input.hook_event_name === 'PreToolUse') {
      const { current } = turns;
      const turnId = current?.turnId ?? turns.lastId;
      const { tool_use_id: toolUseId, tool_name: name, tool_input, agent_id: agent } = input;
      const parentToolUseId = agent === undefined ? null : translator.parentOf(agent);
      await ready();
      // Interrupted meanwhile. What a subagent does in the background outlives the turn.
      if (current !== null && agent === undefined && turns.current !== current) return tooLate;
      // The message that names the call comes first as a rule; this makes sure that no call runs unrecorded.
      if (turnId !== null) await toolCalls.called({ toolUseId, name, input: tool_input, parentToolUseId }, turnId);
    } else if (input.hook_event_name === 'PostToolUse' || input.hook_event_name === 'PostToolUseFailure') {
      if (input.duration_ms !== undefined) toolCalls.took(input.tool_use_id, input.duration_ms);
    }
    return {};
  };
