/** A tool that waits for the checkpoint of its turn, while the turn is interrupted. */
import { randomUUID } from 'node:crypto';

import type { HookCallback } from '@anthropic-ai/claude-agent-sdk';
import type { Checkpoint, TurnId } from '@remote-claude/contract';
import { beforeEach, expect, it } from 'vitest';

import { createToolHook } from './tool-hook.js';
import { createTurnCheckpoints } from './turn-checkpoints.js';
import type { Turn } from './turns.js';

let current: Turn | null;
let called: string[];
let finish: () => void;
let hook: HookCallback;

beforeEach(() => {
  const turnId = randomUUID() as TurnId;
  current = {
    turnId,
    messageIds: [],
    promptId: null,
    startedAt: 0,
    interruptIds: [],
    message: null,
    failure: null,
    givenUp: null,
  };
  called = [];
  const taking = new Promise<void>((resolve) => (finish = resolve));
  const checkpoints = createTurnCheckpoints({
    snapshots: {
      take: async () => {
        await taking;
        return {} as Checkpoint;
      },
    },
    tell: () => undefined,
    log: () => undefined,
  });
  checkpoints.before({ turnId, messageIds: [] });
  hook = createToolHook({
    turns: {
      get current() {
        return current;
      },
      lastId: turnId,
    },
    translator: { parentOf: () => 'parent' },
    toolCalls: {
      called: async ({ toolUseId }) => void called.push(toolUseId),
      took: () => undefined,
    },
    ready: checkpoints.ready,
  });
});

const ask = (agent?: string): ReturnType<HookCallback> => {
  const asked = {
    hook_event_name: 'PreToolUse',
    tool_use_id: 'call',
    tool_name: 'Bash',
    tool_input: {},
    ...(agent === undefined ? {} : { agent_id: agent }),
  };
  return hook(asked as unknown as Parameters<HookCallback>[0], 'call', { signal: new AbortController().signal });
};

it('lets a call run once the files are kept as they were', async () => {
  const answer = ask();
  expect(called).toEqual([]);
  finish();
  expect(await answer).toEqual({});
  expect(called).toEqual(['call']);
});

it('lets none run whose turn was interrupted meanwhile, nor of the turn after it', async () => {
  const [ended, replaced] = [ask(), ask()];
  current = null;
  finish();
  const denied = { hookSpecificOutput: { permissionDecision: 'deny' } };
  expect(await ended).toMatchObject(denied);
  expect(await replaced).toMatchObject(denied);
  expect(called).toEqual([]);
});

it('lets a subagent in the background go on, whose work outlives the turn', async () => {
  const answer = ask('agent');
  current = null;
  finish();
  expect(await answer).toEqual({});
  expect(called).toEqual(['call']);
});
