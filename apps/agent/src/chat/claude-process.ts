/**
 * One process of Claude Code, driven by the Agent SDK with streaming input and kept warm between prompts.
 * It hands on what the SDK says, in order, and knows nothing of turns, queues or the log.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Transform } from 'node:stream';

import {
  query,
  type CanUseTool,
  type HookCallback,
  type Options,
  type SDKMessage,
  type SDKUserMessage,
  type SpawnedProcess,
} from '@anthropic-ai/claude-agent-sdk';
import type { Effort, PermissionMode } from '@remote-claude/contract';

import { endGroup } from './leftover-process.js';

export interface Ready {
  version: string;
  /** The model that the default stands for, where none was chosen. */
  defaultModel: string | null;
  commands: readonly { name: string; description: string; argumentHint: string }[];
}

/** `agent`: nobody's words, so that neither Claude nor a transcript takes them for a person's. */
export type PromptAuthor = 'person' | 'agent';

export interface ClaudeProcess {
  /** Rejects where the process cannot be started or ends before it is up. */
  readonly ready: Promise<Ready>;
  /** Settles when nothing more will come. `cause` says why it ended without being asked to. */
  readonly ended: Promise<{ cause: string | null }>;
  send(text: string, uuid: string, author: PromptAuthor): void;
  /** Its process is there no more. */
  readonly exited: Promise<void>;
  interrupt(): Promise<void>;
  setModel(model: string | null): Promise<void>;
  setPermissionMode(mode: PermissionMode): Promise<void>;
  setEffort(effort: Effort | null): Promise<void>;
  kill(): void;
  /** Lets it finish writing, then ends it. */
  close(): Promise<void>;
}

export interface ClaudeProcessDeps {
  claudePath: string;
  workspace: string;
  /** The whole environment of the process. */
  environment: Readonly<Record<string, string>>;
  /** An empty folder: what a repository brings as settings, hooks, commands and MCP servers is looked for there. */
  noProjectDir: string;
  resume: string | null;
  /** Goes on after this message of the conversation, in a new one; the old one stays as it is. */
  resumeAt: string | null;
  model: string | null;
  permissionMode: PermissionMode;
  effort: Effort | null;
  allowedTools: readonly string[];
  canUseTool: CanUseTool;
  onToolHook: HookCallback;
  /** Each message is handled before the next is taken. */
  onMessage(message: SDKMessage): Promise<void>;
  /** While it returns a promise, nothing is read from the process: pressure reaches the model's stream. */
  whenRoom(): Promise<void> | null;
  onStderr(line: string): void;
  /** It leads a process group of its own. */
  onSpawn(pid: number): void;
}

const closeGraceMs = 3_000;
/** Seconds. A hook waits for the journal, which may wait for room on the disk; when it gives up, the tool would run unrecorded. */
const hookTimeoutS = 24 * 3_600;

export const createClaudeProcess = (deps: ClaudeProcessDeps): ClaudeProcess => {
  const { model, effort, resume, resumeAt, onMessage } = deps;
  const input = createInput();
  let child: ChildProcess | null = null;
  let isClosing = false;
  let onExit = (): void => undefined;
  const exited = new Promise<void>((resolve) => (onExit = resolve));

  const session = query({
    prompt: input.messages,
    options: {
      ...baseOptions(deps),
      ...(resume === null ? {} : { resume }),
      ...(resume === null || resumeAt === null ? {} : { resumeSessionAt: resumeAt, forkSession: true }),
      ...(model === null ? {} : { model }),
      ...(effort === null ? {} : { effort }),
      spawnClaudeCodeProcess: ({ command, args, cwd, env }) => {
        child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
        if (child.pid !== undefined) deps.onSpawn(child.pid);
        child.once('exit', onExit).once('error', onExit);
        child.stderr?.setEncoding('utf8').on('data', deps.onStderr);
        return gated(child, deps.whenRoom);
      },
    },
  });

  const kill = (): void => {
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) endGroup(child.pid);
  };

  const read = async (): Promise<{ cause: string | null }> => {
    try {
      for await (const message of session) await onMessage(message);
      return { cause: isClosing ? null : 'Claude Code ended by itself.' };
    } catch (cause) {
      return { cause: isClosing ? null : cause instanceof Error ? cause.message : String(cause) };
    }
  };
  const ended = read();
  const ready = session.initializationResult().then((result) => ({
    version: result.claude_code_version ?? '',
    defaultModel:
      (result.models.find(({ value }) => value === 'default') as { resolvedModel?: string } | undefined)
        ?.resolvedModel ?? null,
    commands: result.commands,
  }));
  // Whoever waits for it hears of a failure; where nobody does, `ended` says the same.
  ready.catch(() => undefined);

  return {
    ready,
    ended,
    exited,
    send: (text, uuid, author) => {
      input.push({
        type: 'user',
        message: { role: 'user', content: text },
        parent_tool_use_id: null,
        uuid: uuid as NonNullable<SDKUserMessage['uuid']>,
        ...(author === 'person' ? { origin: { kind: 'human' } } : { isSynthetic: true }),
      });
    },
    interrupt: async () => {
      await session.interrupt();
    },
    setModel: (to) => session.setModel(to ?? undefined),
    setPermissionMode: (to) => session.setPermissionMode(to),
    setEffort: (to) => session.applyFlagSettings({ effortLevel: to }),
    kill,
    close: async () => {
      isClosing = true;
      input.end();
      session.close();
      const timer = setTimeout(kill, closeGraceMs);
      await ended;
      clearTimeout(timer);
    },
  };
};

const baseOptions = (deps: ClaudeProcessDeps): Options => {
  const { claudePath, workspace, environment, noProjectDir, permissionMode, allowedTools, canUseTool, onToolHook } =
    deps;
  const hook = [{ hooks: [onToolHook], timeout: hookTimeoutS }];
  return {
    cwd: workspace,
    pathToClaudeCodeExecutable: claudePath,
    env: environment,
    includePartialMessages: true,
    forwardSubagentText: true,
    systemPrompt: { type: 'preset', preset: 'claude_code', snapshot: true },
    // `project` is what makes Claude Code read the work tree's CLAUDE.md; everything else of a project is looked for
    // in the folder that `projectConfigRoot` names, so a repository's hooks, commands and servers stay inert.
    settingSources: ['user', 'project'],
    projectConfigRoot: noProjectDir,
    strictMcpConfig: true,
    mcpServersDelivery: 'initialize',
    settings: { showThinkingSummaries: true },
    permissionMode,
    allowedTools: [...allowedTools],
    canUseTool,
    hooks: { PreToolUse: hook, PostToolUse: hook, PostToolUseFailure: hook },
  };
};

/** The prompts as the SDK takes them: an iterable that waits. */
const createInput = (): {
  messages: AsyncIterable<SDKUserMessage>;
  push(message: SDKUserMessage): void;
  end(): void;
} => {
  const waiting: SDKUserMessage[] = [];
  let wake = (): void => undefined;
  let isEnded = false;
  const messages = async function* (): AsyncGenerator<SDKUserMessage> {
    while (!isEnded) {
      const message = waiting.shift();
      if (message === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else yield message;
    }
  };
  return {
    messages: messages(),
    push: (message) => {
      waiting.push(message);
      wake();
    },
    end: () => {
      isEnded = true;
      wake();
    },
  };
};

/** The process with an output that stops while there is no room for what it says. */
const gated = (child: ChildProcess, whenRoom: () => Promise<void> | null): SpawnedProcess => {
  if (child.stdin === null || child.stdout === null) throw new Error('Claude Code was started without pipes.');
  child.stdin.on('error', () => undefined);
  const stdout = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      const room = whenRoom();
      if (room === null) done(null, chunk);
      else void room.then(() => done(null, chunk));
    },
  });
  child.stdout.pipe(stdout);
  // A process that could not be started has no output to end.
  child.once('error', () => stdout.end());
  const process: SpawnedProcess = {
    stdin: child.stdin,
    stdout,
    get killed() {
      return child.killed;
    },
    get exitCode() {
      return child.exitCode;
    },
    get signalCode() {
      return child.signalCode;
    },
    kill: (signal) => child.kill(signal),
    on: (event: string, listener: (...args: never[]) => void) =>
      void child.on(event, listener as (...args: unknown[]) => void),
    once: (event: string, listener: (...args: never[]) => void) =>
      void child.once(event, listener as (...args: unknown[]) => void),
    off: (event: string, listener: (...args: never[]) => void) =>
      void child.off(event, listener as (...args: unknown[]) => void),
  };
  return process;
};
