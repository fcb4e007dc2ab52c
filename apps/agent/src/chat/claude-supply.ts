/**
 * Always a process of Claude Code when one is needed, and none for long when not: started ahead, ended after a quiet
 * while, begun again with the same conversation after a crash. It knows processes, and neither turns nor the log.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { CanUseTool, HookCallback, SDKMessage } from '@anthropic-ai/claude-agent-sdk';
import type { ClaudeSettings } from '@remote-claude/contract';

import type { Log } from '../parts.js';
import { createClaudeProcess, type ClaudeProcess, type PromptAuthor, type Ready } from './claude-process.js';
import { createLeftoverProcess } from './leftover-process.js';
import type { MemoryStore } from './memory.js';
import { allowedToolsOf } from './session-rules.js';

export interface ClaudeSupply {
  /** Starts a process so that the first prompt need not wait for it. */
  prewarm(): void;
  /** Rejects where no process can be started. */
  send(text: string, uuid: string, author: PromptAuthor): Promise<void>;
  /** Whether there is no process, or it ends now. */
  isGone(): Promise<boolean>;
  interrupt(): Promise<void>;
  kill(): void;
  /** Applies to the live process, and throws what it says against it. Without one there is nothing to do. */
  configure(settings: ClaudeSettings): Promise<void>;
  /** True once per process: its first turn has begun. */
  firstInit(): boolean;
  /** Ends the process; the next one begins where the memory says. */
  end(): Promise<void>;
  /** A turn is over: the quiet while begins. */
  rest(): void;
  close(): Promise<void>;
}

export interface ClaudeSupplyDeps {
  claudePath: string;
  workspace: string;
  environment: Readonly<Record<string, string>>;
  folder: string;
  parkAfterMs: number;
  memory: MemoryStore;
  canUseTool: CanUseTool;
  onToolHook: HookCallback;
  onMessage(message: SDKMessage): Promise<void>;
  onReady(ready: Ready): Promise<void>;
  /** The process is gone without having been asked to; called after the last message was handled. */
  onEnded(cause: string): Promise<void>;
  whenRoom(): Promise<void> | null;
  /** For how long nothing has been done in the session: no turn, no foreground job, no input. Sockets count for nothing. */
  idleMs(): number;
  notice(text: string): void;
  log: Log;
}

interface Live {
  process: ClaudeProcess;
  isResumed: boolean;
  hasInit: boolean;
  /** What was sent and not yet taken up. */
  sent: { text: string; uuid: string; author: PromptAuthor } | null;
}

const lostConversation = /No conversation found/i;
const lostSentence =
  "Claude's memory of this conversation could not be found, so it begins anew. The history above is complete.";
const maxLogged = 2_000;
/** Between a process's last sign and its end. */
const exitGraceMs = 500;
/** Between two looks at whether the session is idle at last. */
const minParkMs = 50;

export const createClaudeSupply = (deps: ClaudeSupplyDeps): ClaudeSupply => {
  const { memory, parkAfterMs, log } = deps;
  const noProjectDir = join(deps.folder, 'no-project');
  mkdirSync(noProjectDir, { recursive: true });
  const leftover = createLeftoverProcess(join(deps.folder, 'claude-process.json'));
  leftover.end();
  let live: Live | null = null;
  let parkTimer: NodeJS.Timeout | null = null;
  let isClosed = false;

  const begin = (): Live => {
    const { conversation, resumeAt, model, permissionMode, effort, rules } = memory.value;
    const process = createClaudeProcess({
      ...deps,
      environment: claudeEnvironment(deps.environment),
      noProjectDir,
      resume: conversation,
      resumeAt,
      model,
      permissionMode,
      effort,
      allowedTools: allowedToolsOf(rules),
      onMessage: async (message) => {
        if (isLost(message)) return;
        if (started.sent !== null && message.type === 'system' && message.subtype === 'init') started.sent = null;
        await deps.onMessage(message);
      },
      onSpawn: leftover.note,
      onStderr: (text) => log('warn', 'Claude Code wrote to stderr.', { text: text.slice(0, maxLogged) }),
    });
    const started: Live = { process, isResumed: conversation !== null, hasInit: false, sent: null };
    /** The answer of a process that could not go on with its conversation: it is begun anew, so nobody needs to hear. */
    const isLost = (message: SDKMessage): boolean =>
      started.isResumed &&
      !started.hasInit &&
      message.type === 'result' &&
      'errors' in message &&
      message.errors.some((line) => lostConversation.test(line));
    void process.ready.then(deps.onReady, () => undefined);
    void process.ended.then(({ cause }) => onEnded(started, cause));
    return started;
  };

  const onEnded = async (ended: Live, cause: string | null): Promise<void> => {
    if (live === ended) live = null;
    if (cause === null || isClosed) return;
    log('warn', 'Claude Code ended.', { cause });
    if (ended.isResumed && !ended.hasInit && lostConversation.test(cause)) {
      memory.change({ conversation: null, resumeAt: null });
      deps.notice(lostSentence);
      if (ended.sent !== null)
        await send(ended.sent.text, ended.sent.uuid, ended.sent.author).catch(() => deps.onEnded(cause));
      return;
    }
    await deps.onEnded(cause);
  };

  const send = async (text: string, uuid: string, author: PromptAuthor): Promise<void> => {
    if (parkTimer !== null) clearTimeout(parkTimer);
    live ??= begin();
    live.sent = { text, uuid, author };
    live.process.send(text, uuid, author);
    await Promise.resolve();
  };

  const park = (): void => {
    parkTimer = null;
    if (live === null) return;
    const restMs = parkAfterMs - deps.idleMs();
    if (restMs > 0) return parkIn(Math.min(restMs, parkAfterMs));
    const parked = live;
    live = null;
    log('info', 'Claude Code is parked: the session is idle.', { parkAfterMs });
    void parked.process.close();
  };

  const parkIn = (delayMs: number): void => {
    if (parkTimer !== null) clearTimeout(parkTimer);
    if (isClosed) return;
    parkTimer = setTimeout(park, Math.max(minParkMs, delayMs));
    parkTimer.unref();
  };

  const rest = (): void => parkIn(parkAfterMs);

  return {
    prewarm: () => {
      live ??= begin();
      rest();
    },
    send,
    interrupt: async () => {
      // A process that is gone has ended the turn already.
      await live?.process
        .interrupt()
        .catch((cause: unknown) => log('warn', 'The interrupt was not taken.', { cause: String(cause) }));
    },
    kill: () => live?.process.kill(),
    isGone: async () => {
      if (live === null || isClosed) return true;
      let timer: NodeJS.Timeout | undefined;
      const stays = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, exitGraceMs, false)));
      const gone = await Promise.race([live.process.exited.then(() => true), stays]);
      clearTimeout(timer);
      return gone;
    },
    configure: async ({ model, permissionMode, effort }) => {
      if (live === null) return;
      const { process } = live;
      await process.ready.catch(() => undefined);
      if (model !== undefined) await process.setModel(model);
      if (permissionMode !== undefined) await process.setPermissionMode(permissionMode);
      if (effort !== undefined) await process.setEffort(effort);
    },
    firstInit: () => {
      if (live === null || live.hasInit) return false;
      live.hasInit = true;
      return true;
    },
    end: async () => {
      const ended = live;
      live = null;
      await ended?.process.close();
    },
    rest,
    close: async () => {
      isClosed = true;
      if (parkTimer !== null) clearTimeout(parkTimer);
      await live?.process.close();
    },
  };
};

const claudeEnvironment = (environment: Readonly<Record<string, string>>): Record<string, string> => ({
  ...environment,
  CLAUDE_AGENT_SDK_CLIENT_APP: 'remote-claude',
  // One list with one tool: the newer pair of tools says the same in many small steps.
  CLAUDE_CODE_ENABLE_TODO_TOOLS: '1',
  CLAUDE_CODE_ENABLE_TASKS: '0',
});
