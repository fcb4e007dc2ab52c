// Starts child processes of the scripts and hands signals on to them. It does not know what they do.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childEnv, isStartedByNpm } from './child-env.mjs';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const repeatMs = 2_000;
const running = new Set();
let last = { signal: '', at: 0 };

function onSignal(signal) {
  // npm hands on a signal that the process group has already had: within a moment it is the same one.
  const again = last.signal === signal && Date.now() - last.at < repeatMs;
  last = { signal, at: Date.now() };
  if (running.size === 0) process.exit(128 + constants.signals[signal]);
  // Ctrl+C in a terminal reaches every process of the group by itself.
  if (again || (signal === 'SIGINT' && process.stdin.isTTY)) return;
  for (const child of running) child.kill(signal);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => onSignal(signal));

// SIGTERM for npm ends npm and its shell, but does not reach what the shell started: notice that the parent is gone.
const parentPollMs = 500;
const parentPid = process.ppid;
if (isStartedByNpm()) {
  const poll = setInterval(() => {
    if (process.ppid === parentPid) return;
    clearInterval(poll);
    onSignal('SIGTERM');
  }, parentPollMs);
  poll.unref();
}

/** Whether somebody asked this script to end: the stages that are left are then not begun. */
export const interrupted = () => last.signal !== '';

/** An error that is told as one sentence, without a stack. */
export function plainError(message) {
  return Object.assign(new Error(message), { plain: true });
}

/** A file of an installed package; its command is run by this Node, so neither a shell nor PATH is involved. */
export const inModules = (path) => join(root, 'node_modules', path);

/**
 * Runs a command to its end and resolves to `{ code, output }`; a failing command does not throw (127: there is none).
 * With `capture` the output is returned, else it is shown. `env` is the child's whole environment.
 */
export function run(command, args, { cwd = root, env = childEnv(), capture = false, input = 'ignore' } = {}) {
  return new Promise((resolve) => {
    const stdio = capture ? [input, 'pipe', 'pipe'] : [input, 'inherit', 'inherit'];
    const child = spawn(command, args, { cwd, env, stdio });
    const chunks = [];
    running.add(child);
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    const end = (code, text = '') => {
      running.delete(child);
      resolve({ code, output: Buffer.concat(chunks).toString('utf8') + text });
    };
    child.on('error', (error) => end(127, `${command}: ${error.message}\n`));
    child.on('close', (code, signal) => {
      if (signal) end(128 + constants.signals[signal], `${command} was ended by ${signal}\n`);
      else end(code ?? 1);
    });
  });
}

/** Runs a JavaScript program with this Node. */
export const runNode = (args, options) => run(process.execPath, args, options);

/** Starts a program that stays; signals reach it, and `exited` resolves to its code. */
export function start(args, { cwd = root, env = childEnv() } = {}) {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
  running.add(child);
  const exited = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve(signal ? 128 + constants.signals[signal] : (code ?? 1));
    });
  });
  return { child, exited };
}
