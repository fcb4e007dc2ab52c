/**
 * The set-up script: run when a command says so, one after the other, while Claude is held back; told of in events. What runs it
 * keeps a mark on the disk, so that the same script runs once. It does not know whose script it is.
 *
 * A run that the agent's end cut off has no end in the log, so the command is told again and the script runs anew.
 */
import { join } from 'node:path';

import { maxInlineText, type AgentCommand, type CommandId } from '@remote-claude/contract';

import type { ActivitySource, Log, Propose } from '../parts.js';
import { runScript, type ScriptRun } from './run-script.js';

type Given = Extract<AgentCommand, { type: 'setup' }>;

export interface Setup extends ActivitySource {
  /** Holds Claude back before it returns. Each id runs once. */
  command(given: Given): Promise<void>;
  /** The files of a fork are there: what waited begins. */
  open(): void;
  close(): Promise<void>;
}

export interface SetupDeps {
  propose: Propose;
  isDone(id: CommandId): boolean;
  /** Until what it gives is called no prompt begins. */
  hold(): () => void;
  placeId: string;
  stateDir: string;
  workspace: string;
  environment: Readonly<Record<string, string>>;
  /** Null where the server is too old to have it. */
  initPath: string | null;
  /** A fork whose files are still to come: scripts wait until `open`. */
  isAwaited: boolean;
  log: Log;
  killAfterMs?: number;
}

/** Characters that go out while it runs; what comes later is in the last word of it, as far as that goes. */
const maxStreamed = 256 * 1024;
const maxChunk = 4_000;
const flushMs = 250;

export const createSetup = (deps: SetupDeps): Setup => {
  const { propose, isDone, log, killAfterMs = 2_000 } = deps;
  const known = new Set<CommandId>();
  const ending = new AbortController();
  let openUp = (): void => {};
  const opened = deps.isAwaited ? new Promise<void>((resolve) => (openUp = resolve)) : Promise.resolve();
  let last: Promise<void> = Promise.resolve();
  let idleSince = performance.now();

  const run = async ({ id, script, again }: Given): Promise<void> => {
    const startedAt = performance.now();
    await propose({ type: 'setup.started', setupId: id });
    const output = createOutput((text) => propose({ type: 'setup.output', setupId: id, text }));
    let result: ScriptRun;
    try {
      if (deps.initPath === null) throw new Error('the server that started this session is too old for it');
      result = await runScript(script, again, {
        ...deps,
        initPath: deps.initPath,
        folder: join(deps.stateDir, 'setup'),
        onOutput: output.add,
        signal: ending.signal,
        killAfterMs,
      });
    } catch (cause) {
      log('warn', 'A set-up script could not be run.', { cause: String(cause) });
      const why = cause instanceof Error ? cause.message : String(cause);
      result = { outcome: 'failed', exitCode: null, reason: `It could not be run: ${why}.`.slice(0, 2_000) };
    }
    const said = await output.end();
    // Whoever ends is told again by the next life.
    if (ending.signal.aborted) return;
    const durationMs = performance.now() - startedAt;
    const { outcome, exitCode } = result;
    const reason = result.reason?.slice(0, 2_000) ?? null;
    await propose({ type: 'setup.ended', setupId: id, outcome, exitCode, reason, durationMs, output: said }, [id]);
  };

  return {
    async command(given) {
      if (isDone(given.id) || known.has(given.id) || ending.signal.aborted) return;
      known.add(given.id);
      const letGo = deps.hold();
      // This place ends in a moment, and with it the hold.
      if (given.notIn === deps.placeId) return;
      const before = last;
      const work = async (): Promise<void> => {
        await opened;
        await before;
        try {
          if (!ending.signal.aborted) await run(given);
        } finally {
          idleSince = performance.now();
          known.delete(given.id);
          if (!ending.signal.aborted) letGo();
        }
      };
      const done = work();
      last = done.catch((cause: unknown) => log('error', 'A set-up was not told of.', { cause: String(cause) }));
      await last;
    },
    open: () => openUp(),
    idleMs: () => (known.size > 0 ? 0 : performance.now() - idleSince),
    async close() {
      ending.abort();
      openUp();
      await last;
    },
  };
};

/** Collects what a script prints: goes out in pieces up to a ceiling, and its end is kept. */
const createOutput = (emit: (text: string) => Promise<void>) => {
  let waiting = '';
  let streamed = 0;
  let tail = '';
  let bytes = 0;
  let timer: NodeJS.Timeout | null = null;
  let emitted: Promise<unknown> = Promise.resolve();

  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    for (let at = 0; at < waiting.length; at += maxChunk) {
      const piece = whole(waiting.slice(at, at + maxChunk));
      emitted = emitted.then(() => emit(piece));
    }
    waiting = '';
  };
  return {
    add(text: string): void {
      if (text === '') return;
      bytes += Buffer.byteLength(text);
      tail = (tail + text).slice(-maxInlineText);
      const room = maxStreamed - streamed;
      if (room <= 0) return;
      const taken = text.slice(0, room);
      streamed += taken.length;
      waiting += taken;
      if (waiting.length >= maxChunk) flush();
      else timer ??= setTimeout(flush, flushMs);
    },
    async end() {
      flush();
      await emitted;
      const text = whole(tail);
      return { text, bytes, ...(Buffer.byteLength(text) < bytes && { cut: true }) };
    },
  };
};

/** Without the half of a character that a cut left at either end. */
const whole = (text: string): string => text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, '');
