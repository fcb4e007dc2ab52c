/**
 * The tool calls that are under way: each is recorded once when it is called and once when it is over.
 * It does not decide whether a call may run, nor does it read the SDK.
 *
 * Invariant: the command that answered a call's approval is done with the record of the call's end. So an answer is
 * told again to a new agent until that record exists; for a call that already ran there is then nothing to do.
 */
import type { AgentEvent, CommandId, EventOf, TurnId } from '@remote-claude/contract';

import type { Propose } from '../parts.js';
import { boundedInput, boundedText } from './bounded.js';
import { titleOf } from './titles.js';

type Outcome = EventOf<'tool.finished'>['outcome'];

export interface ToolCall {
  turnId: TurnId;
  toolUseId: string;
  name: string;
  title: string;
  parentToolUseId: string | null;
  calledAt: number;
  /** It may have run: nothing, or a person, let it go. A call that still waits for its answer never ran. */
  isReleased: boolean;
  answeredBy: CommandId | null;
}

export interface CalledTool {
  toolUseId: string;
  name: string;
  input: unknown;
  parentToolUseId: string | null;
}

export interface ToolCalls {
  /** Records the call; resolves when the record is on the disk. A second call with the same id waits for the first. */
  called(tool: CalledTool, turnId: TurnId): Promise<void>;
  asks(toolUseId: string): void;
  released(toolUseId: string, answeredBy: CommandId | null): void;
  denied(toolUseId: string, answeredBy: CommandId | null): void;
  /** The SDK measured how long it ran. */
  took(toolUseId: string, durationMs: number): void;
  /** `wasCancelled`: it was cut, or never ran, because the turn is being ended. */
  finished(toolUseId: string, result: { isError: boolean; wasCancelled: boolean; text: string }): Promise<void>;
  /** Ends every call of the main conversation that has no result, or of subagents too. */
  endAll(outcome: 'interrupted' | 'unknown', scope: 'main' | 'all'): Promise<void>;
  get(toolUseId: string): Readonly<ToolCall> | undefined;
  open(): readonly ToolCall[];
}

export interface ToolCallsDeps {
  propose: Propose;
  keepBlob(text: string): string | null;
  workspace: string;
  now(): number;
  onChange(): void;
}

interface Tracked extends ToolCall {
  input: unknown;
  recorded: Promise<void>;
  isDenied: boolean;
  durationMs: number | null;
}

export const createToolCalls = (deps: ToolCallsDeps): ToolCalls => {
  const { propose, keepBlob, workspace, now, onChange } = deps;
  const calls = new Map<string, Tracked>();

  const end = (call: Tracked, outcome: Outcome, text: string): Promise<void> => {
    calls.delete(call.toolUseId);
    onChange();
    const { turnId, toolUseId, name, title, parentToolUseId } = call;
    const output = boundedText(text, keepBlob);
    const durationMs = call.durationMs ?? (call.isDenied ? 0 : Math.max(0, now() - call.calledAt));
    const finished = propose(
      { type: 'tool.finished', turnId, toolUseId, name, title, outcome, output, durationMs, parentToolUseId },
      call.answeredBy === null ? [] : [call.answeredBy],
    );
    const todo = outcome === 'ok' && parentToolUseId === null && name === 'TodoWrite' ? todoOf(call.input) : null;
    return todo === null ? finished : finished.then(() => propose(todo));
  };

  return {
    called: ({ toolUseId, name, input, parentToolUseId }, turnId) => {
      const known = calls.get(toolUseId);
      if (known !== undefined) return known.recorded;
      const fields = typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {};
      const title = titleOf(name, fields, workspace);
      const bounded = boundedInput(input, keepBlob);
      const recorded = propose({
        type: 'tool.called',
        turnId,
        toolUseId,
        name,
        title,
        ...bounded,
        inputCut: bounded.wholeInput !== undefined,
        parentToolUseId,
      });
      calls.set(toolUseId, {
        turnId,
        toolUseId,
        name,
        title,
        parentToolUseId,
        calledAt: now(),
        isReleased: true,
        answeredBy: null,
        input,
        recorded,
        isDenied: false,
        durationMs: null,
      });
      onChange();
      return recorded;
    },
    asks: (toolUseId) => {
      const call = calls.get(toolUseId);
      if (call === undefined) return;
      call.isReleased = false;
      onChange();
    },
    released: (toolUseId, answeredBy) => {
      const call = calls.get(toolUseId);
      if (call === undefined) return;
      Object.assign(call, { isReleased: true, answeredBy, calledAt: now() });
      onChange();
    },
    denied: (toolUseId, answeredBy) => {
      const call = calls.get(toolUseId);
      if (call === undefined) return;
      Object.assign(call, { isDenied: true, answeredBy: answeredBy ?? call.answeredBy });
      onChange();
    },
    took: (toolUseId, durationMs) => {
      const call = calls.get(toolUseId);
      if (call !== undefined) call.durationMs = durationMs;
    },
    finished: (toolUseId, { isError, wasCancelled, text }) => {
      const call = calls.get(toolUseId);
      if (call === undefined) return Promise.resolve();
      if (call.isDenied) return end(call, 'denied', text);
      if (!isError) return end(call, 'ok', text);
      return end(call, wasCancelled || !call.isReleased ? 'interrupted' : 'error', text);
    },
    endAll: async (outcome, scope) => {
      const ended = [...calls.values()]
        .filter(({ parentToolUseId }) => scope === 'all' || parentToolUseId === null)
        .map((call) => end(call, call.isDenied ? 'denied' : call.isReleased ? outcome : 'interrupted', ''));
      await Promise.all(ended);
    },
    get: (toolUseId) => calls.get(toolUseId),
    open: () =>
      [...calls.values()].map(
        ({ turnId, toolUseId, name, title, parentToolUseId, calledAt, isReleased, answeredBy }) => ({
          turnId,
          toolUseId,
          name,
          title,
          parentToolUseId,
          calledAt,
          isReleased,
          answeredBy,
        }),
      ),
  };
};

const maxTodoItems = 200;
const maxTodoText = 1_000;
const statuses = ['pending', 'in_progress', 'completed'] as const;

const todoOf = (input: unknown): AgentEvent | null => {
  const todos = (input as { todos?: unknown } | null)?.todos;
  if (!Array.isArray(todos)) return null;
  const items = (todos as unknown[]).slice(0, maxTodoItems).flatMap((entry) => {
    const { content, activeForm, status } = (entry ?? {}) as Record<string, unknown>;
    if (typeof content !== 'string') return [];
    return [
      {
        content: content.slice(0, maxTodoText),
        ...(typeof activeForm === 'string' ? { activeForm: activeForm.slice(0, maxTodoText) } : {}),
        status: statuses.find((known) => known === status) ?? 'pending',
      },
    ];
  });
  return { type: 'todo.changed', items };
};
