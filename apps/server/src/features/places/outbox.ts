// What an agent is told to do: its session's pending commands, in the order of storing, each once on a link.
// It knows no socket, and not what becomes of a command.

import {
  alwaysSince,
  commandVersions,
  type AgentCommand,
  type CommandId,
  type ToAgentControl,
} from '@remote-claude/contract';

import type { Log } from '../../platform/log.js';
import type { Commands } from '../events/index.js';

export interface OutboxDeps {
  sessionId: string;
  /** Of the agent. */
  placeId: string;
  commands: Commands;
  log: Log;
  /** `sent`: it has gone out, or never will. */
  send(message: ToAgentControl, sent: () => void): void;
  /** What the agent is too old for. */
  refuse(command: AgentCommand): Promise<void>;
  drop(): void;
}

export interface Outbox {
  /** There may be new commands for an agent that speaks this version; `next` is the one that was stored last, if known. */
  deliver(to: number, next?: AgentCommand): void;
  /** Resolves when nothing is being read or sent. */
  idle(): Promise<void>;
}

const commandPage = 100;
/** Commands that are remembered as told. An agent would do one once in any case. */
const maxTold = 1_000;

/**
 * On a new link from the beginning, since an agent does each id once. News comes in the order of storing: so what comes
 * while nothing older is being read or sent is the next, and need not be read.
 */
export const createOutbox = ({ sessionId, placeId, commands, log, send, refuse, drop }: OutboxDeps): Outbox => {
  /** What the agent speaks. */
  let version = 0;
  let position = 0;
  const told = new Set<CommandId>();
  let stale = false;
  let running: Promise<void> | null = null;

  const saidIn = (command: AgentCommand): AgentCommand =>
    version < alwaysSince && command.type === 'answer' && command.answer.scope === 'always'
      ? { ...command, answer: { ...command.answer, scope: 'once' } }
      : command;

  const tell = async (command: AgentCommand): Promise<void> => {
    if (told.has(command.id)) return;
    if (version < commandVersions[command.type]) {
      // What is meant for the next place waits for its agent.
      if (command.type !== 'setup' || command.notIn !== placeId) await refuse(command);
    } else await new Promise<void>((resolve) => send({ type: 'command', command: saidIn(command) }, resolve));
    told.add(command.id);
    for (const oldest of told) {
      if (told.size <= maxTold) break;
      told.delete(oldest);
    }
  };

  const work = async (next: AgentCommand | undefined): Promise<void> => {
    if (next !== undefined) await tell(next);
    while (stale) {
      stale = false;
      const pending = await commands.pending(sessionId, position, commandPage);
      for (const { position: at, command } of pending) {
        // One after the other, so that an agent that reads slowly has few of them in our memory.
        await tell(command);
        position = at;
      }
      stale ||= pending.length === commandPage;
    }
  };
  const run = (next?: AgentCommand): void => {
    running ??= work(next)
      .catch((err: unknown) => {
        stale = false;
        log.warn({ err, sessionId }, 'commands could not be read; the link begins anew');
        drop();
      })
      .finally(() => {
        running = null;
        if (stale) run();
      });
  };

  return {
    deliver(to, next) {
      version = to;
      if (next === undefined || running !== null) stale = true;
      run(next);
    },
    idle: async () => {
      while (running !== null) await running;
    },
  };
};
