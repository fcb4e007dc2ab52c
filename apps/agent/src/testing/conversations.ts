/** For the tests of one file: a scripted model, and agents with the real Claude Code in folders of their own. */
import { join } from 'node:path';

import type { AgentEvent } from '@remote-claude/contract';
import { afterAll, beforeAll } from 'vitest';

import { startAgent, type AgentOptions, type AgentProcess } from './agent-process.js';
import { connectControl, type ControlClient } from './control-client.js';
import { startModel, type ModelProcess } from './scripted-model.js';
import { scratchFolder } from './scratch.js';

export interface Conversations {
  /** The folder of this name, which outlives its agents. */
  dirOf(name: string): string;
  /** An agent on that folder, and its control link. Whoever starts it ends both. */
  start(name: string, more?: Partial<AgentOptions>): Promise<{ agent: AgentProcess; control: ControlClient }>;
  /** An agent alone. */
  startAgent(name: string, more?: Partial<AgentOptions>): Promise<AgentProcess>;
}

/** Called once at the top of a file; `rules` are those of the model. */
export const useConversations = (rules: string): Conversations => {
  const scratch = scratchFolder();
  let model: ModelProcess | null = null;
  beforeAll(async () => {
    model = await startModel(scratch.path, rules);
  });
  afterAll(async () => {
    await model?.close();
    scratch.remove();
  });
  const dirOf = (name: string): string => join(scratch.path, name);
  const alone: Conversations['startAgent'] = (name, more = {}) =>
    startAgent({ dir: dirOf(name), gatewayPort: model?.port ?? 0, ...more });
  return {
    dirOf,
    startAgent: alone,
    start: async (name, more) => {
      const agent = await alone(name, more);
      return { agent, control: await connectControl(agent.socketPath) };
    },
  };
};

export const typesOf = (client: ControlClient): AgentEvent['type'][] => client.proposed.map(({ event }) => event.type);
