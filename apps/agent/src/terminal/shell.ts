/**
 * A shell on a pty, as raw bytes. It does not know terminals or viewers.
 * node-pty's types say strings; with `encoding: null` it gives and takes bytes.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

import { spawn } from '@lydell/node-pty';

import type { TerminalSize } from './types.js';

export interface Shell {
  readonly pid: number;
  /** Bytes that were typed and that the program has not taken. */
  readonly untakenBytes: number;
  write(bytes: Uint8Array | string): void;
  resize(size: TerminalSize): void;
  pause(): void;
  resume(): void;
  /** Hangs up; what does not end in time is killed. */
  end(): void;
  /** Whether something runs in the foreground, other than the shell. */
  busy(): boolean;
}

export interface ShellOptions extends TerminalSize {
  shell: string;
  cwd: string;
  env: Readonly<Record<string, string>>;
  onOutput: (bytes: Buffer) => void;
  /** After the last output. `signal` is 0 where none ended it. */
  onExit: (exitCode: number, signal: number) => void;
}

const killAfterMs = 2_000;
/** A shell that ended may leave this much unread, and processes that go on writing: what comes later is not waited for. */
const quietMs = 50;
const maxDrainMs = 1_000;

/**
 * node-pty destroys the pty's socket 200 ms after the shell's end, read or not: output that waits while reading is paused
 * would be lost. So that destroy first reads what is there, until it is quiet.
 */
const drainBeforeDestroy = (socket: Socket): void => {
  const destroy = socket.destroy.bind(socket);
  let draining = false;
  socket.destroy = (error?: Error) => {
    if (error || draining || socket.readableEnded || socket.destroyed) return destroy(error);
    draining = true;
    let quiet = setTimeout(destroy, quietMs);
    const latest = setTimeout(destroy, maxDrainMs);
    socket.on('data', () => {
      clearTimeout(quiet);
      quiet = setTimeout(destroy, quietMs);
    });
    socket.once('close', () => {
      clearTimeout(quiet);
      clearTimeout(latest);
    });
    socket.resume();
    return socket;
  };
};

/** The terminal's foreground process group, from the eighth field of the shell's `stat`; null where it is gone. */
const foregroundGroup = (pid: number): number | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[5]);
  } catch {
    return null;
  }
};

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
};

export const startShell = (options: ShellOptions): Shell => {
  const { shell, cwd, env, cols, rows, onOutput, onExit } = options;
  const pty = spawn(shell, [], { name: 'xterm-256color', cols, rows, cwd, env: { ...env }, encoding: null });
  const socket = (pty as unknown as { _socket?: Socket })._socket;
  if (socket) drainBeforeDestroy(socket);
  let exited = false;
  pty.onData((bytes) => onOutput(bytes as unknown as Buffer));
  pty.onExit(({ exitCode, signal }) => {
    exited = true;
    onExit(exitCode, signal ?? 0);
  });

  return {
    pid: pty.pid,
    get untakenBytes() {
      return socket?.writableLength ?? 0;
    },
    write: (bytes) => {
      if (!exited) pty.write(bytes as string);
    },
    resize: ({ cols: wide, rows: high }) => {
      if (!exited) pty.resize(wide, high);
    },
    pause: () => pty.pause(),
    resume: () => pty.resume(),
    end() {
      if (exited) return;
      signalGroup(pty.pid, 'SIGHUP');
      pty.resume();
      setTimeout(() => {
        if (!exited) signalGroup(pty.pid, 'SIGKILL');
      }, killAfterMs).unref();
    },
    busy() {
      const group = exited ? null : foregroundGroup(pty.pid);
      return group !== null && group > 0 && group !== pty.pid;
    },
  };
};
