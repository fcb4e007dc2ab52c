// The log: one JSON object per line, or plain lines where a person watches; on the console, in files, or both. It does not
// know who writes.

import { pino, type Logger, type LoggerOptions } from 'pino';

import type { LogContext } from './log-context.js';
import type { LogFile } from './log-file.js';

export type Log = Logger;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogSink {
  write(text: string): unknown;
}

// pino matches literal paths, so each depth at which such a field occurs is listed.
const secretNames = [
  'authorization',
  '["proxy-authorization"]',
  'cookie',
  '["set-cookie"]',
  '["x-api-key"]',
  'password',
  'token',
  'apiKey',
  'secret',
];
const holders = ['', 'headers', 'req.headers', 'res.headers', 'request.headers', 'response.headers', '*', '*.*'];
const redacted = holders.flatMap((holder) =>
  secretNames.map((name) => (holder === '' || name.startsWith('[') ? `${holder}${name}` : `${holder}.${name}`)),
);

// An error is logged by these fields alone. Libraries hang whole objects on theirs: the client with the database's
// password, a request with its headers, a row that was refused.
const errorFields = [
  ...['type', 'message', 'stack', 'code', 'errno', 'syscall', 'address', 'port', 'status', 'statusCode', 'signal'],
  ...['severity', 'schema', 'table', 'column', 'constraint', 'routine'],
] as const;

/** `scheme://user:password@` without what must not be read. */
const withoutUserInfo = (text: string): string => text.replace(/(\b[a-z][a-z\d+.-]*:\/\/)[^\s/@]+@/gi, '$1[redacted]@');

function loggedError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return typeof thrown === 'string' ? withoutUserInfo(thrown) : typeof thrown;
  const all = pino.stdSerializers.err(thrown) as unknown as Record<string, unknown>;
  const fields = errorFields
    .map((name) => [name, all[name]] as const)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number');
  return Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === 'string' ? withoutUserInfo(value) : value]),
  );
}

interface LogOptions {
  level: LogLevel;
  /** Not closed here. */
  sink: LogSink;
  /** Readable lines instead of JSON. */
  plain: boolean;
  /** The roles of this process, in each line. */
  role?: string;
  context?: LogContext;
}

export function createLog(options: LogOptions): Log {
  const { context, role } = options;
  const settings: LoggerOptions = {
    level: options.level,
    base: role === undefined ? null : { role },
    ...(context && { mixin: () => ({ ...context.fields() }) }),
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: loggedError },
    redact: { paths: redacted, censor: '[redacted]' },
  };
  const { sink } = options;
  return pino(settings, options.plain ? { write: (line: string) => sink.write(plainLine(line)) } : sink);
}

/** A standard stream: plain on a terminal, JSON otherwise. A reader that went away is not an error. */
export function createConsole(stream: NodeJS.WriteStream): LogSink {
  stream.on('error', () => {});
  return stream.isTTY ? { write: (line) => stream.write(plainLine(line)) } : stream;
}

/** Lines go to all of them. What the file does not take goes to the console in any case. */
export function sinkOf(screen: LogSink, file: LogFile | null, toConsole: boolean): LogSink {
  if (file === null) return screen;
  return {
    write(line) {
      const isKept = file.write(line);
      if (toConsole || !isKept) screen.write(line);
    },
  };
}

/** `12:03:01 warn  message key=value`, with an error's stack below. */
export function plainLine(json: string): string {
  // Who watches knows what was started.
  const { level, time, msg, err, role: _role, ...rest } = JSON.parse(json) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${display(value)}`);
  const head = [String(time).slice(11, 19), String(level).padEnd(5), display(msg ?? ''), ...fields].join(' ');
  const stack = (err as { stack?: unknown } | undefined)?.stack;
  return typeof stack === 'string' ? `${head}\n${stack.replace(/^/gm, '  ')}\n` : `${head}\n`;
}

// Control characters in a logged name must not reach the terminal.
function display(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
