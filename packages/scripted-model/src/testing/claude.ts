/**
 * Runs the real Claude Code against a scripted model, in a home and a work tree of its own, and says what it did.
 * Everything it makes is gone after `close()`.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { query } from '@anthropic-ai/claude-agent-sdk';
import type { SDKMessage, SDKUserMessage } from '@anthropic-ai/claude-agent-sdk';
import { systemPath } from './config.js';

export interface ClaudeRun {
  /** The final text of each turn. */
  readonly results: readonly string[];
  readonly messages: readonly SDKMessage[];
  /** Each tool call with what it answered, in order. */
  readonly tools: readonly { name: string; input: Record<string, unknown>; output: string; isError: boolean }[];
}

export interface ClaudePlace {
  readonly workTree: string;
  run(
    prompts: readonly string[],
    options?: { env?: Record<string, string>; deny?: Readonly<Record<string, string>> },
  ): Promise<ClaudeRun>;
  close(): Promise<void>;
}

export const createClaudePlace = async (modelUrl: string): Promise<ClaudePlace> => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'claude-')));
  const home = await mkdtemp(join(root, 'home-'));
  const workTree = await mkdtemp(join(root, 'work-'));
  const base = {
    PATH: systemPath,
    HOME: home,
    LANG: 'C.UTF-8',
    ANTHROPIC_BASE_URL: modelUrl,
    ANTHROPIC_AUTH_TOKEN: 'scripted',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    // Without it Claude Code leaves a folder per work tree in the system's temporary folder.
    CLAUDE_CODE_TMPDIR: root,
  };
  return {
    workTree,
    run: async (prompts, { env = {}, deny = {} } = {}) => {
      const messages: SDKMessage[] = [];
      const turns = createTurns(prompts);
      const session = query({
        prompt: turns.input,
        options: {
          cwd: workTree,
          env: { ...base, ...env },
          includePartialMessages: true,
          systemPrompt: { type: 'preset', preset: 'claude_code' },
          settingSources: [],
          canUseTool: (name, input) => {
            const message = deny[name];
            return Promise.resolve(
              message === undefined ? { behavior: 'allow', updatedInput: input } : { behavior: 'deny', message },
            );
          },
        },
      });
      for await (const message of session) {
        messages.push(message);
        if (message.type === 'result') turns.next();
      }
      return {
        messages,
        results: messages.flatMap((message) =>
          message.type === 'result' && message.subtype === 'success' ? [message.result] : [],
        ),
        tools: toolsOf(messages),
      };
    },
    close: () => rm(root, { recursive: true, force: true, maxRetries: 5 }),
  };
};

/** Gives the next prompt only when the turn before it has ended. */
const createTurns = (prompts: readonly string[]): { input: AsyncIterable<SDKUserMessage>; next: () => void } => {
  let next = (): void => undefined;
  async function* input(): AsyncGenerator<SDKUserMessage> {
    for (const content of prompts) {
      const ended = new Promise<void>((resolve) => (next = resolve));
      yield { type: 'user', message: { role: 'user', content }, parent_tool_use_id: null };
      await ended;
    }
  }
  return { input: input(), next: () => next() };
};

interface Part {
  type: string;
  id?: string;
  name?: string;
  input?: Record<string, unknown>;
  tool_use_id?: string;
  content?: unknown;
  is_error?: boolean;
}

const toolsOf = (messages: readonly SDKMessage[]): ClaudeRun['tools'] => {
  const parts = messages.flatMap((message) => {
    if (message.type !== 'assistant' && message.type !== 'user') return [];
    const { content } = message.message;
    return typeof content === 'string' ? [] : (content as unknown as Part[]);
  });
  return parts
    .filter(({ type }) => type === 'tool_use')
    .map(({ id, name = '', input = {} }) => {
      const result = parts.find((part) => part.tool_use_id === id);
      const { content } = result ?? {};
      return {
        name,
        input,
        output: typeof content === 'string' ? content : JSON.stringify(content),
        isError: result?.is_error === true,
      };
    });
};
