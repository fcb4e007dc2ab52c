/** The real agent as a process on a unix socket, with the real Claude Code. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { agentVariables } from '@remote-claude/contract';

import { exited, repository, runProgram, systemPath, until } from './scratch.js';

export const testSecret = 'a-secret-of-the-test-only';
const claudePath = join(repository, `node_modules/@anthropic-ai/claude-agent-sdk-linux-${process.arch}/claude`);

export interface AgentProcess {
  socketPath: string;
  child: ChildProcess;
  /** What it wrote to stderr. */
  log(): string;
  /** With the signal given, and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

export interface AgentOptions {
  dir: string;
  gatewayPort: number;
  /** Variables over the usual ones, by the names of `agentVariables`. */
  variables?: Partial<Record<keyof typeof agentVariables, string>>;
  program?: string;
}

/** The folders under `dir` outlive the process, so a second one goes on where the first was killed. */
export const startAgent = async ({
  dir,
  gatewayPort,
  variables = {},
  program = 'apps/agent/src/main.ts',
}: AgentOptions): Promise<AgentProcess> => {
  const folder = (name: string): string => {
    mkdirSync(join(dir, name), { recursive: true });
    return join(dir, name);
  };
  const socketPath = join(dir, 'agent.sock');
  const values: Partial<Record<keyof typeof agentVariables, string>> = {
    listen: `unix:${socketPath}`,
    secret: testSecret,
    sessionId: '00000000-0000-4000-8000-000000000001',
    placeId: '00000000-0000-4000-8000-000000000002',
    stateDir: folder('state'),
    workspace: folder('workspace'),
    gateway: `http://127.0.0.1:${gatewayPort}`,
    gatewayToken: 'a-token-of-the-test-only',
    claudePath,
    ripgrepPath: join(repository, `node_modules/@vscode/ripgrep-linux-${process.arch}/bin/rg`),
    ...variables,
  };
  const named = Object.entries(values).map(([key, value]) => [
    agentVariables[key as keyof typeof agentVariables],
    value,
  ]);
  const child = runProgram(program, [], {
    PATH: systemPath,
    HOME: folder('home'),
    ...(Object.fromEntries(named) as Record<string, string>),
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  await until(
    () => `the agent to listen, which said: ${log}`,
    () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`The agent ended by ${child.signalCode ?? child.exitCode}: ${log}`);
      return log.includes('The agent listens.');
    },
  );
  return {
    socketPath,
    child,
    log: () => log,
    end: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await exited(child);
    },
  };
};
