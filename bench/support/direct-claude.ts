// Claude Code driven by the Agent SDK from this very process: no server, no isolation, no log. What the product is measured
// against, so its options are those of the agent (apps/agent/src/chat/claude-process.ts) as far as they reach the model.
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  query,
  type HookCallback,
  type Options,
  type SDKMessage,
  type SDKUserMessage,
} from '@anthropic-ai/claude-agent-sdk';

import { builtEnv } from '../../tests/support/config.js';
import { canaryKey } from '../../tests/support/model.js';

export interface DirectClaude {
  say(prompt: string): { firstTextAt: Promise<number>; ended: Promise<void> };
  close(): Promise<void>;
}

const claudePath = (): string => {
  const platform = `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}`;
  return createRequire(import.meta.url).resolve(`${platform}/claude`);
};

interface Waiting {
  firstText(): void;
  end(): void;
}

export const openDirect = async ({ baseUrl, model }: { baseUrl: string; model: string }): Promise<DirectClaude> => {
  const folder = await mkdtemp(join(tmpdir(), 'rc-direct-'));
  const [home, workspace, noProject] = ['home', 'workspace', 'no-project'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [home, workspace, noProject]) await mkdir(path);

  const prompts: SDKUserMessage[] = [];
  let wake = (): void => {};
  let closed = false;
  let waiting: Waiting | null = null;
  const input = async function* (): AsyncGenerator<SDKUserMessage> {
    while (!closed) {
      const next = prompts.shift();
      if (next === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else yield next;
    }
  };

  const take = (message: SDKMessage): void => {
    if (message.type === 'result') return waiting?.end();
    if (message.type !== 'stream_event' || message.event.type !== 'content_block_delta') return;
    if (message.event.delta.type === 'text_delta') waiting?.firstText();
  };
  const session = query({ prompt: input(), options: optionsFor({ home, workspace, noProject, baseUrl, model }) });
  const read = (async () => {
    for await (const message of session) take(message);
  })().catch((thrown: unknown) => {
    if (!closed) throw thrown;
  });
  await session.initializationResult();

  return {
    say(prompt) {
      const turn: Waiting = { firstText: () => {}, end: () => {} };
      const firstTextAt = new Promise<number>((resolve) => (turn.firstText = () => resolve(performance.now())));
      const ended = new Promise<void>((resolve) => (turn.end = resolve));
      waiting = turn;
      prompts.push({ type: 'user', message: { role: 'user', content: prompt }, parent_tool_use_id: null });
      wake();
      return { firstTextAt, ended };
    },
    async close() {
      closed = true;
      wake();
      session.close();
      await read;
      await rm(folder, { recursive: true, force: true });
    },
  };
};

interface DirectOptions {
  home: string;
  workspace: string;
  noProject: string;
  baseUrl: string;
  model: string;
}

const optionsFor = ({ home, workspace, noProject, baseUrl, model }: DirectOptions): Options => {
  const nothing: HookCallback = () => Promise.resolve({});
  const hooks = [{ hooks: [nothing] }];
  return {
    cwd: workspace,
    pathToClaudeCodeExecutable: claudePath(),
    env: {
      ...builtEnv(),
      HOME: home,
      ANTHROPIC_BASE_URL: baseUrl,
      ANTHROPIC_AUTH_TOKEN: canaryKey,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_ENABLE_TODO_TOOLS: '1',
      CLAUDE_CODE_ENABLE_TASKS: '0',
    },
    model,
    includePartialMessages: true,
    forwardSubagentText: true,
    systemPrompt: { type: 'preset', preset: 'claude_code', snapshot: true },
    settingSources: ['user', 'project'],
    projectConfigRoot: noProject,
    strictMcpConfig: true,
    mcpServersDelivery: 'initialize',
    settings: { showThinkingSummaries: true },
    permissionMode: 'default',
    canUseTool: () => Promise.resolve({ behavior: 'deny', message: 'Nobody is asked in a bench.' }),
    hooks: { PreToolUse: hooks, PostToolUse: hooks, PostToolUseFailure: hooks },
  };
};
