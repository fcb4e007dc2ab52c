import { randomUUID } from 'node:crypto';

import type { AgentEvent, ApprovalId, TurnId } from '@remote-claude/contract';
import { expect, it } from 'vitest';

import { createApprovals } from './approvals.js';
import { createToolCalls } from './tool-calls.js';

it('denies a call whose question the server does not take, instead of waiting for ever', async () => {
  const proposed: AgentEvent[] = [];
  const propose = async (event: AgentEvent): Promise<void> => void proposed.push(event);
  const keepBlob = (): null => null;
  const tools = createToolCalls({ propose, keepBlob, workspace: '/workspace', now: Date.now, onChange: () => {} });
  const approvals = createApprovals({
    propose,
    keepBlob,
    tools,
    workspace: '/workspace',
    now: Date.now,
    turnId: () => randomUUID() as TurnId,
    messageIds: () => [],
    isLost: async () => false,
    left: [],
    agentName: () => null,
    parentOf: () => null,
    rules: () => [],
    standing: () => [],
    addRule: () => {},
    onChange: () => {},
  });
  const { signal } = new AbortController();
  const answer = approvals.canUseTool('Bash', { command: 'ls' }, { toolUseID: 'toolu_1', signal } as never);
  await expect.poll(() => proposed.some(({ type }) => type === 'approval.asked')).toBe(true);
  expect(approvals.waiting()).toHaveLength(1);
  approvals.unasked('toolu_other' as ApprovalId, 'too many');
  approvals.unasked('toolu_1' as ApprovalId, 'too many are open');
  expect(await answer).toMatchObject({ behavior: 'deny', message: expect.stringContaining('too many are open') });
  expect(approvals.waiting()).toEqual([]);
});
