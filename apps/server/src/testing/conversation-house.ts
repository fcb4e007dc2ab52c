// Sessions whose agents are tiny ones on real sockets, and what people do in them: the server's part of a conversation,
// composed over a real database and the fake driver.

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeDriver } from '@remote-claude/compute/testing';
import { noTokens, type AgentEvent, type OpenApproval, type TurnId } from '@remote-claude/contract';
import { expect, vi } from 'vitest';

import { createAccess, createAccessStore } from '../features/access/index.js';
import { createApprovalProjection, createClaude, createClaudeStore } from '../features/claude/index.js';
import { createTaskProjection, createTasks, createTasksStore } from '../features/tasks/index.js';
import { createSessionHouse, secretOf } from './session-house.js';
import { startTinyAgent, type TinyAgent, type TinyAgentOptions } from './tiny-agent.js';

export const patience = { timeout: 20_000, interval: 10 };

export const createConversationHouse = async () => {
  const agents = new Map<string, TinyAgent>();
  /** Of agents that are started from now on. */
  const settings: Pick<TinyAgentOptions, 'onCommand' | 'version'> & {
    onRequest?(sessionId: string, ...asked: Parameters<NonNullable<TinyAgentOptions['onRequest']>>): boolean;
  } = {};
  const folder = mkdtempSync(join(tmpdir(), 'rc-conv-'));
  const house = await createSessionHouse({
    projections: (database) => [
      createApprovalProjection(createClaudeStore(database)),
      createTaskProjection(createTasksStore(database)),
    ],
  });
  const address = (sessionId: string) => join(folder, `${sessionId.slice(0, 8)}.sock`);
  const driver = createFakeDriver({
    addresses: (sessionId) => {
      const door = { kind: 'unix' as const, path: address(sessionId), ownerUid: process.getuid?.() ?? 0 };
      return { agent: door, gateway: door };
    },
    async onStart({ sessionId, placeId }) {
      agents.set(
        sessionId,
        await startTinyAgent({
          socketPath: address(sessionId),
          secret: secretOf(placeId),
          ...settings,
          onRequest: (...asked) => settings.onRequest?.(sessionId, ...asked) === true,
        }),
      );
    },
    async onEnd({ sessionId }) {
      await agents.get(sessionId)?.close();
    },
  });
  const { database, events, commands, audit, clock } = house;
  const claude = createClaude({
    rules: house.rules,
    database,
    store: createClaudeStore(database),
    events,
    commands,
    audit,
    clock,
    requireModel: () => {},
    maxWaitMs: 20_000,
  });
  const access = createAccess({ store: createAccessStore(database), authenticate: async () => null });
  const tasks = createTasks({
    database,
    store: createTasksStore(database),
    events,
    commands,
    claude,
    audit,
    access,
    clock,
  });

  return {
    house,
    folder,
    driver,
    claude,
    tasks,
    agents,
    settings,
    agentOf(sessionId: string): TinyAgent {
      const agent = agents.get(sessionId);
      if (agent === undefined) throw new Error('no agent was started');
      return agent;
    },
    /** A person and a session of theirs whose agent answers. */
    async running() {
      const person = await house.person();
      const { id } = await house.sessions.create(person, {});
      await vi.waitFor(async () => expect((await house.sessions.get(id)).shown).toBe('idle'), patience);
      return { person, id };
    },
    /** After the places that use it. */
    async close(): Promise<void> {
      for (const agent of agents.values()) await agent.close();
      await house.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
export type ConversationHouse = Awaited<ReturnType<typeof createConversationHouse>>;

export const newTurn = () => randomUUID() as TurnId;
export const text = (turnId: TurnId, n: number): AgentEvent => ({
  type: 'text',
  turnId,
  blockId: `b:${n}` as never,
  text: { text: String(n), bytes: String(n).length },
  parentToolUseId: null,
});
export const ended = (
  turnId: TurnId,
  said: string | null,
  outcome: 'completed' | 'interrupted' = 'completed',
): AgentEvent => ({
  type: 'turn.ended',
  turnId,
  outcome,
  reason: null,
  message: said === null ? null : { text: said, bytes: said.length },
  usage: noTokens,
  durationMs: 1,
});
export const ask = (
  agent: TinyAgent,
  approvalId: string,
  turnId: TurnId | null = null,
  more: Partial<OpenApproval> = {},
) =>
  agent.propose({
    type: 'approval.asked',
    approval: {
      approvalId: approvalId as never,
      turnId,
      kind: 'tool',
      tool: 'Bash',
      title: 'Run ls',
      input: { command: 'ls' },
      sessionRule: null,
      agent: null,
      askedAt: new Date(0).toISOString(),
      ...more,
    },
  });
