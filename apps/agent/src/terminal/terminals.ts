/**
 * The terminals of a session: opens, names, ends and brings them back after a kill, and proposes what must be remembered.
 * It does not know sockets, and of a terminal's bytes only where they are kept.
 */
import { AppError, type TerminalId } from '@remote-claude/contract';

import type { Log, Propose } from '../parts.js';
import { createRecords, type Records, type TerminalRecord } from './records.js';
import { createRing } from './ring.js';
import { createRingFile, readRingFile, type RingFile } from './ring-file.js';
import { startShell } from './shell.js';
import { createTerminal, type Terminal, type TerminalEnd } from './terminal.js';
import type { CreateTerminal, Terminals } from './types.js';

export interface TerminalsOptions {
  workspace: string;
  /** The whole environment of a shell, but for TERM and COLORTERM. */
  env: Readonly<Record<string, string>>;
  /** Path or name of the shell. */
  shell: string;
  stateDir: string;
  propose: Propose;
  log: Log;
  ringBytes?: number;
  stallMs?: number;
}

const maxTerminals = 20;
const defaultRingBytes = 4 * 1024 * 1024;
const defaultStallMs = 1_000;
const agentGone = 'The session’s agent was ended while this terminal ran. What it showed last is kept.';
const placeClosed = 'The session was stopped.';

interface Entry {
  record: TerminalRecord;
  /** Of a killed agent's it is made at the first look. */
  terminal: Promise<Terminal> | Terminal | null;
  file: RingFile | null;
  /** Resolves when its opening is on disk. */
  opened: Promise<void>;
  /** A person closed it: its end is not told. */
  destroyed: boolean;
}

export const createTerminals = async (options: TerminalsOptions): Promise<Terminals> => {
  const { workspace, shell, propose, log } = options;
  const ringBytes = options.ringBytes ?? defaultRingBytes;
  const stallMs = options.stallMs ?? defaultStallMs;
  const env = { ...options.env, TERM: 'xterm-256color', COLORTERM: 'truecolor' };
  const records: Records = await createRecords(options.stateDir);
  const entries = new Map<TerminalId, Entry>();
  const endings = new Set<Promise<void>>();
  const startedAt = performance.now();
  let closing = false;

  const entryOf = (id: TerminalId): Entry => {
    const entry = entries.get(id);
    if (!entry) throw new AppError('not_found', { message: 'There is no such terminal; it may have been closed.' });
    return entry;
  };
  const live = (entry: Entry): Terminal | null => (entry.terminal instanceof Promise ? null : entry.terminal);

  const save = async (entry: Entry): Promise<void> => {
    if (entry.destroyed) return;
    await records.save(entry.record).catch((error: unknown) => {
      log('warn', 'a terminal’s record cannot be written', {
        terminalId: entry.record.terminalId,
        error: String(error),
      });
    });
  };

  /** The record says so only after the proposal is kept: a kill between the two proposes once more, which is harmless. */
  const tellEnd = async (entry: Entry, end: TerminalEnd): Promise<void> => {
    const { terminalId } = entry.record;
    await entry.opened.catch(() => {});
    if (entry.destroyed) return;
    await propose({ type: 'terminal.ended', terminalId, exitCode: end.exitCode, reason: end.reason });
    entry.record = { ...entry.record, ended: end };
    await save(entry);
  };

  const ended = (entry: Entry, end: TerminalEnd): void => {
    const terminal = live(entry);
    if (terminal?.ended) return;
    terminal?.end(end);
    const telling = tellEnd(entry, end).catch((error: unknown) => {
      log('error', 'a terminal’s end could not be recorded', {
        terminalId: entry.record.terminalId,
        error: String(error),
      });
    });
    endings.add(telling);
    void telling.finally(() => endings.delete(telling));
  };

  const start = async (entry: Entry, request: CreateTerminal): Promise<void> => {
    const { terminalId, cols, rows } = request;
    const ring = createRing(ringBytes);
    const terminal = createTerminal({ terminalId, ring, cols, rows, stallMs, onChange: () => entry.file?.changed() });
    entry.terminal = terminal;
    const started = startShell({
      shell,
      cwd: workspace,
      env,
      cols,
      rows,
      onOutput: (bytes) => terminal.output(bytes),
      onExit: (exitCode, signal) =>
        ended(
          entry,
          signal === 0
            ? { exitCode, reason: null }
            : { exitCode: null, reason: closing ? placeClosed : `Ended by signal ${signal}.` },
        ),
    });
    terminal.connect(started);
    try {
      entry.file = await createRingFile({
        path: records.ringPath(terminalId),
        capacityBytes: ringBytes,
        ring,
        size: () => terminal.size,
        log,
      });
    } catch (error) {
      log('warn', 'terminal output cannot be kept on disk', { terminalId, error: String(error) });
    }
    await save(entry);
    await propose({ type: 'terminal.opened', terminalId, name: entry.record.name, cols, rows });
  };

  const remove = async (entry: Entry): Promise<void> => {
    entry.destroyed = true;
    entries.delete(entry.record.terminalId);
    (await entry.terminal)?.close();
    await entry.file?.close().catch(() => {});
    await records.remove(entry.record.terminalId);
  };

  const nextName = (): string => {
    const names = new Set([...entries.values()].map((entry) => entry.record.name));
    for (let number = 1; ; number += 1) if (!names.has(`Terminal ${number}`)) return `Terminal ${number}`;
  };

  /** The screen of one that a killed agent left. */
  const restore = async (entry: Entry): Promise<Terminal> => {
    const { terminalId, cols, rows } = entry.record;
    const kept = await readRingFile(records.ringPath(terminalId), ringBytes);
    // The oldest bytes may be the end of a sequence whose beginning is lost: whole lines only.
    const cut = kept && kept.start > 0 ? kept.bytes.indexOf(0x0a) + 1 : 0;
    const ring = createRing(ringBytes, (kept?.start ?? 0) + cut);
    const terminal = createTerminal({
      terminalId,
      ring,
      ...(kept?.size ?? { cols, rows }),
      stallMs,
      onChange: () => {},
    });
    if (kept) terminal.output(kept.bytes.subarray(cut));
    terminal.end(entry.record.ended ?? { exitCode: null, reason: agentGone });
    await terminal.settled();
    return terminal;
  };

  const terminalOf = async (entry: Entry): Promise<Terminal> => {
    entry.terminal ??= restore(entry).then((terminal) => (entry.terminal = terminal));
    return entry.terminal;
  };

  for (const record of await records.load()) {
    const entry: Entry = { record, terminal: null, file: null, opened: Promise.resolve(), destroyed: false };
    entries.set(record.terminalId, entry);
    if (!record.ended) ended(entry, { exitCode: null, reason: agentGone });
  }

  return {
    create(request) {
      const existing = entries.get(request.terminalId);
      if (existing) return existing.opened;
      if (closing) throw new AppError('unavailable');
      if (entries.size >= maxTerminals) {
        throw new AppError('conflict', {
          message: `A session has at most ${maxTerminals} terminals. Close one first.`,
        });
      }
      const { terminalId, cols, rows } = request;
      const record = { terminalId, name: request.name ?? nextName(), cols, rows, openedAt: Date.now(), ended: null };
      const entry: Entry = { record, terminal: null, file: null, opened: Promise.resolve(), destroyed: false };
      entries.set(terminalId, entry);
      entry.opened = start(entry, request).catch(async (error: unknown) => {
        await remove(entry);
        throw error;
      });
      return entry.opened;
    },
    async attach(id, sink, after) {
      const entry = entryOf(id);
      const terminal = live(entry) ?? (await terminalOf(entry));
      if (entry.destroyed) throw new AppError('not_found', { message: 'This terminal was closed.' });
      return terminal.attach(sink, after);
    },
    write(id, bytes, typist) {
      const terminal = live(entryOf(id));
      if (!terminal) throw new AppError('conflict', { message: 'This terminal has ended. Open a new one.' });
      terminal.write(bytes, typist);
    },
    untakenBytes(id) {
      const entry = entries.get(id);
      return (entry && live(entry)?.untakenBytes) ?? 0;
    },
    take(id, person) {
      live(entryOf(id))?.take(person);
    },
    resize(id, size, person) {
      live(entryOf(id))?.resize(size, person);
    },
    async rename(id, name) {
      const entry = entryOf(id);
      if (entry.record.name === name) return;
      await entry.opened;
      await propose({ type: 'terminal.renamed', terminalId: id, name });
      entry.record = { ...entry.record, name };
      await save(entry);
    },
    async destroy(id) {
      const entry = entries.get(id);
      if (!entry) return;
      await entry.opened.catch(() => {});
      if (entry.destroyed) return;
      await propose({ type: 'terminal.closed', terminalId: id });
      await remove(entry);
    },
    list: () =>
      [...entries.values()].map((entry) => {
        const { terminalId, name, cols, rows } = entry.record;
        const end = live(entry)?.ended ?? entry.record.ended;
        const size = live(entry)?.size ?? { cols, rows };
        return {
          terminalId,
          name,
          ...size,
          ended: end !== null,
          exitCode: end?.exitCode ?? null,
          reason: end?.reason ?? null,
        };
      }),
    idleMs() {
      const terminals = [...entries.values()]
        .map(live)
        .filter((terminal) => terminal !== null && terminal.ended === null);
      if (terminals.some((terminal) => terminal?.busy())) return 0;
      return (
        performance.now() - Math.max(startedAt, ...terminals.map((terminal) => terminal?.lastActiveAt ?? startedAt))
      );
    },
    async close() {
      closing = true;
      for (const entry of entries.values()) {
        const terminal = live(entry);
        if (terminal && !terminal.ended) ended(entry, { exitCode: null, reason: placeClosed });
        terminal?.close();
        await entry.file?.close().catch(() => {});
      }
      await Promise.all(endings);
    },
  };
};
