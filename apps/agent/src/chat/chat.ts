/**
 * The conversation with Claude: commands come in, events go to the journal, what streams goes to the feed.
 * It joins queue, turns, approvals and the process of Claude Code; each has its rules in its own file.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type {
  AgentCommand,
  AgentEvent,
  ApprovalRule,
  ClaudeSettings,
  CommandId,
  ServerMessage,
  TokenUsage,
} from '@remote-claude/contract';

import { createOpenRecord } from '../journal/open-record.js';
import type { ActivitySource, ChatCommand, ChatFeed, Log, Propose } from '../parts.js';
import type { Snapshots } from '../snapshots/index.js';
import { createApprovals, type Approvals } from './approvals.js';
import { createBlocks } from './blocks.js';
import { createClaudeSupply, type ClaudeSupply } from './claude-supply.js';
import { failureSentence } from './failures.js';
import { createFeed } from './feed.js';
import { createHistory, type History } from './history.js';
import { createMemory } from './memory.js';
import { createPromptQueue, type Prompt, type PromptQueue } from './prompt-queue.js';
import { keptSentence, recover, underWay, type UnderWay } from './recovery.js';
import { createStallWatch } from './stall-watch.js';
import { createToolCalls } from './tool-calls.js';
import { createToolHook } from './tool-hook.js';
import { createTranslator, isOfOtherTurn, type ResultMessage } from './translate.js';
import { createTurns, type Turn } from './turns.js';
import { whyGone } from './waiting-calls.js';

export interface Chat extends ActivitySource, Pick<Approvals, 'unasked'>, Pick<PromptQueue, 'hold'> {
  feed: ChatFeed;
  /** Does a command once, however often it comes. */
  command(command: ChatCommand): Promise<void>;
  /** All that the session's owner always allows. */
  setRules(rules: readonly ApprovalRule[]): void;
  history: Pick<History, 'preview' | 'locate' | 'become' | 'open'>;
  /** A passing word for everyone who watches. */
  notice(kind: 'info' | 'warning', text: string): void;
  /** Ends Claude's process; what was under way is found by the next life. */
  close(): Promise<void>;
}

export interface ChatDeps {
  propose: Propose;
  isDone(id: CommandId): boolean;
  whenRoom(): Promise<void> | null;
  keepBlob(text: string): string | null;
  /** Events of earlier lives that are still on the disk. */
  earlier: readonly AgentEvent[];
  snapshots: Snapshots;
  /** Calls back when something is sent to the model. */
  onAsking(listener: () => void): void;
  stateDir: string;
  workspace: string;
  claudePath: string;
  environment: Readonly<Record<string, string>>;
  settings: ClaudeSettings;
  parkAfterMs: number;
  /** A fork whose files are still to come: prompts wait until `history.open`. */
  isAwaited: boolean;
  besideIdleMs(): number;
  log: Log;
  now?: () => number;
  interruptGraceMs?: number;
}

const maxCommands = 200;
const interruptedSentence = 'Interrupted.';
const notRepeatedSentence =
  'Claude did not make the call again that this answer was for, so it never ran. Send a message to go on.';
/** Somebody wanted this end. */
const isStopped = (turn: Turn | null): boolean =>
  turn !== null && (turn.interruptIds.length > 0 || turn.givenUp !== null);

export const createChat = (deps: ChatDeps): Chat => {
  const { propose, isDone, keepBlob, stateDir, workspace, log, now = Date.now } = deps;
  const { interruptGraceMs = 5_000 } = deps;
  const folder = join(stateDir, 'chat');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const memory = createMemory(join(folder, 'memory.json'), deps.settings);
  const feed = createFeed(() => blocks.open());
  const publish = (message: ServerMessage): void => {
    stalls.heard();
    feed.publish(message);
  };

  const record = createOpenRecord<UnderWay>({
    path: join(folder, 'under-way.json'),
    parse: (content) => underWay.safeParse(content).data ?? null,
    current: () => {
      const { turnId = null, startedAt = 0, interruptIds = [] } = turns.current ?? {};
      const waiting = [...approvals.waiting()];
      const tools = toolCalls.open().map((call) => ({ ...call }));
      if (turnId === null && waiting.length === 0 && tools.length === 0) return null;
      return { turnId, startedAt, interruptIds, blocks: blocks.unfinished(), tools, waiting };
    },
  });
  const recovered = recover(record.left, deps.earlier);
  const onChange = (): void => record.touch();
  const blocks = createBlocks({ publish, onChange });
  const toolCalls = createToolCalls({ propose, keepBlob, workspace, now, onChange: () => record.save() });
  /** Until the server has said it in this life nothing is allowed by it. */
  let standing: readonly ApprovalRule[] = [];
  const approvals = createApprovals({
    propose,
    keepBlob,
    tools: toolCalls,
    workspace,
    now,
    turnId: () => turns.current?.turnId ?? turns.lastId,
    agentName: (id) => translator.agentName(id),
    parentOf: (id) => translator.parentOf(id),
    messageIds: () => turns.current?.messageIds ?? [],
    rules: () => memory.value.rules,
    standing: () => standing,
    addRule: (rule) => memory.change({ rules: [...memory.value.rules, rule] }),
    isLost: async () => !isStopped(turns.current) && (await supply.isGone()),
    left: recovered.waiting,
    onChange: () => record.sync(),
  });
  const turns = createTurns({
    propose,
    publish,
    blocks,
    tools: toolCalls,
    approvals,
    keepBlob,
    now,
    onChange: () => record.save(),
  });
  const stalls = createStallWatch({
    isWaiting: () => turns.current !== null && toolCalls.open().length === 0,
    tell: (text) => feed.publish({ id: '', type: 'notice', payload: { kind: 'stalled', text } }),
    now,
  });

  let commands: Extract<AgentEvent, { type: 'claude.started' }>['slashCommands'] = [];
  const supply: ClaudeSupply = createClaudeSupply({
    ...deps,
    folder,
    memory,
    canUseTool: approvals.canUseTool,
    onToolHook: (input, toolUseId, options) => onToolHook(input, toolUseId, options),
    onMessage: (message) => {
      stalls.heard();
      return translator.handle(message);
    },
    idleMs: () => idleMs(),
    onReady: async (ready) => {
      commands = ready.commands.slice(0, maxCommands).map(({ name, description, argumentHint }) => ({
        name: name.slice(0, 200),
        description: description.slice(0, 300),
        argumentHint: argumentHint.slice(0, 200),
      }));
      // Where a prompt waits, its turn tells more in a moment: which tools there are, which model answers.
      if (queue.isBusy) return;
      await propose(startedEvent(ready.version, memory.value.model ?? ready.defaultModel ?? 'default', []));
    },
    onEnded: async (cause) => {
      translator.processEnded();
      const turn = turns.current;
      if (turn === null) return turns.loseBackground();
      const ended = `Claude Code ended unexpectedly (${cause}). What it had written is kept.`;
      const asks = approvals.waiting().some((call) => whyGone(call) === null);
      const next = asks ? keptSentence : 'Send a message to go on.';
      await endTurn(turn, {
        outcome: turn.givenUp === null ? 'interrupted' : 'failed',
        reason: turn.givenUp ?? (isStopped(turn) ? interruptedSentence : `${ended} ${next}`),
        scope: 'all',
        openTools: 'unknown',
        keepsApprovals: !isStopped(turn),
      });
    },
    notice: (text) => notice('warning', text),
  });

  const startedEvent = (version: string, model: string, tools: readonly string[]): AgentEvent => ({
    type: 'claude.started',
    version: version.slice(0, 80),
    model: model.slice(0, 200),
    tools: tools.slice(0, 500).map((tool) => tool.slice(0, 200)),
    slashCommands: commands,
  });

  const translator = createTranslator({
    propose,
    publish,
    blocks,
    tools: toolCalls,
    keepBlob,
    current: () => turns.current,
    lastTurnId: () => turns.lastId,
    // A background task reported: Claude works without anyone's message.
    turn: async () => {
      if (turns.current !== null) return turns.current;
      queue.occupy();
      const turn = await turns.begin({ messageIds: [], id: null, done: [] });
      record.touch();
      history.before(turn);
      return turn;
    },
    onResult: (result, usage) => onResult(result, usage),
    onConversation: (id) => {
      if (memory.value.conversation !== id) memory.change({ conversation: id, resumeAt: null });
    },
    onInit: async (init) => {
      if (supply.firstInit()) await propose(startedEvent(init.claude_code_version, init.model, init.tools));
    },
    onMode: (permissionMode) => {
      if (memory.value.permissionMode === permissionMode) return;
      memory.change({ permissionMode });
      void propose(configuredEvent());
    },
    giveUp: (turn, status) => {
      if (turn.givenUp !== null) return;
      turn.givenUp = failureSentence({ api_error_status: status }, null, null);
      stop(turn);
    },
  });

  const onToolHook = createToolHook({ turns, translator, toolCalls, ready: () => history.ready() });

  const endTurn = async (turn: Turn, how: Parameters<typeof turns.end>[1]): Promise<void> => {
    await turns.end(turn, how);
    history.after(turn);
    if (turns.current === null) queue.ended();
    if (turn.promptId !== null) answerAgain(turn.promptId, how.keepsApprovals === true);
    supply.rest();
  };

  /** The turn was for an answer whose call was not made: once more where only the process ended, else it is told. */
  const answerAgain = (id: CommandId, isAgain: boolean): void => {
    const unused = approvals.unused(id, isAgain);
    if (unused === 'again') queue.add({ id, text: '', isForAnswer: true });
    else if (unused !== null) void refuse(unused, notRepeatedSentence);
  };

  const onResult = async (result: ResultMessage, usage: TokenUsage): Promise<void> => {
    const turn = turns.current;
    if (turn === null || isOfOtherTurn(result, turn)) return;
    const wasAborted = result.terminal_reason === 'aborted_streaming' || result.terminal_reason === 'aborted_tools';
    const common = { usage, scope: 'main', openTools: 'interrupted' } as const;
    if (turn.givenUp !== null) return endTurn(turn, { ...common, outcome: 'failed', reason: turn.givenUp });
    if (!result.is_error) return endTurn(turn, { ...common, outcome: 'completed', reason: null });
    if (wasAborted)
      return endTurn(turn, { ...common, scope: 'all', outcome: 'interrupted', reason: interruptedSentence });
    const { error = null, said = null } = turn.failure ?? {};
    return endTurn(turn, { ...common, outcome: 'failed', reason: failureSentence(result, error, said) });
  };

  const runPrompt = async (prompt: Prompt): Promise<void> => {
    const resumed = prompt.isForAnswer === true ? approvals.resumption(prompt.id) : null;
    if (resumed === 'used' || (resumed !== null && 'refused' in resumed)) {
      if (resumed !== 'used' && !isDone(prompt.id)) void refuse({ id: prompt.id, type: 'answer' }, resumed.refused);
      return queue.ended();
    }
    const messageIds = resumed?.messageIds ?? [prompt.id];
    const done = resumed === null || resumed.isAll ? [prompt.id] : [];
    const turn = await turns.begin({ messageIds, id: prompt.id, done });
    stalls.begin();
    try {
      await configuring;
      await supply.send(resumed?.text ?? prompt.text, prompt.id, resumed === null ? 'person' : 'agent');
      record.touch();
      // The checkpoint of a message is the one before its first turn: what it did before its answer is no part of that.
      history.before({ turnId: turn.turnId, messageIds: resumed === null ? messageIds : [] });
      // An interrupt may have come while the process was being started.
      if (turn.interruptIds.length > 0) stop(turn);
    } catch (cause) {
      const reason =
        `Claude Code could not be started: ${cause instanceof Error ? cause.message : String(cause)}`.slice(0, 2_000);
      log('error', 'Claude Code could not be started.', { cause: String(cause) });
      await endTurn(turn, { outcome: 'failed', reason, scope: 'all', openTools: 'interrupted' });
    }
  };
  let configuring: Promise<void> = Promise.resolve();
  const queue = createPromptQueue({ start: (prompt) => void runPrompt(prompt) });

  /** Asks Claude Code to stop the turn, and ends the process where it does not. */
  const stop = (turn: Turn): void => {
    void supply.interrupt();
    const timer = setTimeout(() => {
      if (turns.current === turn) supply.kill();
    }, interruptGraceMs);
    timer.unref();
  };

  const configuredEvent = (): AgentEvent => {
    const { model, permissionMode, effort } = memory.value;
    return { type: 'claude.configured', model, permissionMode, effort };
  };

  const refuse = ({ id, type }: Pick<AgentCommand, 'id' | 'type'>, reason: string): Promise<void> =>
    propose({ type: 'command.refused', commandId: id, command: type, reason: reason.slice(0, 2_000) }, [id]);

  const command = async (given: ChatCommand): Promise<void> => {
    if (isDone(given.id)) return;
    switch (given.type) {
      case 'prompt':
        queue.add({ id: given.id, text: given.prompt });
        return;
      case 'withdraw':
        if (!queue.withdraw(given.messageId)) return refuse(given, 'Claude has this message, or it never came.');
        return propose({ type: 'message.withdrawn', messageId: given.messageId }, [given.id, given.messageId]);
      case 'interrupt': {
        const turn = turns.current;
        if (given.turnId === null || (turn === null && given.turnId === undefined))
          return refuse(given, 'Nothing was running.');
        if (turn === null || (given.turnId !== undefined && given.turnId !== turn.turnId))
          return refuse(given, 'That turn has ended already.');
        if (turn.interruptIds.includes(given.id)) return;
        turn.interruptIds.push(given.id);
        record.save();
        return stop(turn);
      }
      case 'answer': {
        const taken = await approvals.answer(given);
        if (taken === 'resume') queue.add({ id: given.id, text: '', isForAnswer: true });
        return typeof taken === 'string' ? undefined : refuse(given, taken.refused);
      }
      case 'configure': {
        // One after the other, and before the next prompt: what is asked first counts first.
        configuring = configuring.then(() => configure(given));
        return configuring;
      }
      case 'rewind':
      case 'checkpoint':
        return history.command(given);
    }
  };

  const configure = async (given: Extract<AgentCommand, { type: 'configure' }>): Promise<void> => {
    const { model, permissionMode, effort } = given.settings;
    if (isDone(given.id)) return;
    const before = memory.value;
    memory.change({
      ...(model === undefined ? {} : { model }),
      ...(permissionMode === undefined ? {} : { permissionMode }),
      ...(effort === undefined ? {} : { effort }),
    });
    try {
      await supply.configure(given.settings);
    } catch (cause) {
      const { model: oldModel, permissionMode: oldMode, effort: oldEffort } = before;
      memory.change({ model: oldModel, permissionMode: oldMode, effort: oldEffort });
      return refuse(given, cause instanceof Error ? cause.message : String(cause));
    }
    return propose(configuredEvent(), [given.id]);
  };

  const history = createHistory({
    ...deps,
    folder,
    memory,
    refuse,
    tell: (text) => notice('warning', text),
    currentTurn: () => turns.current,
    lastTurnId: () => turns.lastId,
    queue,
    supply,
    translator,
    approvals,
  });

  deps.onAsking(history.asked);
  const isBusy = (): boolean => queue.isBusy || translator.backgroundTasks > 0;
  const idleMs = (): number => (isBusy() ? 0 : Math.max(0, Math.min(now() - turns.endedAt, deps.besideIdleMs())));
  const notice = (kind: 'info' | 'warning', text: string): void =>
    feed.publish({ id: '', type: 'notice', payload: { kind, text } });

  const told = recovered.events.map(({ event, commandIds }) => propose(event, commandIds));
  // Only when the journal has it may the old record go.
  void Promise.all(told).then(() => record.sync());
  if (!deps.isAwaited) history.open();

  return {
    feed,
    command,
    hold: queue.hold,
    setRules: (rules) => (standing = rules),
    history,
    unasked: approvals.unasked,
    notice,
    idleMs,
    close: async () => {
      history.close();
      queue.close();
      stalls.close();
      record.close();
      await supply.close();
    },
  };
};
