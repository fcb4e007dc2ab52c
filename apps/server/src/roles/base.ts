// What every process has, whichever roles it plays: its configuration, its data folder, the machine's clock, its log and what it
// counts.

import { homedir } from 'node:os';
import { join } from 'node:path';

import { createSystemClock, type Clock } from '../platform/clock.js';
import type { Closers } from '../platform/closers.js';
import { processChildEnv, type Config } from '../platform/config/config.js';
import { defaultDataDir, openDataDir } from '../platform/data-dir.js';
import { createConsole, createLog, sinkOf, type LogSink } from '../platform/log.js';
import { createLogContext } from '../platform/log-context.js';
import { openLogFile, type LogFile } from '../platform/log-file.js';
import { createMetricsRegistry } from '../platform/metrics/index.js';

/** Built parts that the server serves, starts or copies; found by whoever starts it. */
export interface ServerAssets {
  version: string;
  agentDir: string;
  webDir: string;
  scriptedModel: string;
  claudePath: string;
  ripgrepPath: string;
}

type Logging = Config['monitoring']['logging'];

/** The file of the log, where one is wanted. What is wrong with it is said on the console. */
const openFile = (
  { destinations, file, level }: Logging,
  { screen, clock, logsDir, role }: { screen: LogSink; clock: Clock; logsDir: string; role: string },
): Promise<LogFile> | null => {
  const { path, maxSizeBytes, rotate, keep } = file;
  if (!destinations.includes('file')) return null;
  const log = createLog({ level, sink: screen, plain: false, role });
  return openLogFile({
    path: path ?? join(logsDir, 'remote-claude.log'),
    maxBytes: maxSizeBytes,
    rotate,
    keep,
    clock,
    say: {
      failed: (err) =>
        log.error(
          { err },
          'the log file cannot be written; the server goes on, its lines go here, and it is tried again',
        ),
      healed: (lost) => log.warn({ lost }, 'the log file is written again'),
    },
  });
};

const openLog = async (
  { server: { roles }, monitoring: { logging } }: Config,
  { machine, logsDir, closers }: { machine: Clock; logsDir: string; closers: Closers },
) => {
  const role = roles.length === allRoles ? 'all' : roles.join('+');
  const screen = createConsole(process.stderr);
  const file = await openFile(logging, { screen, clock: machine, logsDir, role });
  if (file !== null) closers.add('log file', file, (opened) => opened.close());
  const sink = sinkOf(screen, file, logging.destinations.includes('console'));
  const logContext = createLogContext();
  return { logContext, log: createLog({ level: logging.level, sink, plain: false, role, context: logContext }) };
};

const allRoles = 4;

export const openBase = async (config: Config, assets: ServerAssets, closers: Closers) => {
  const machine = createSystemClock();
  const dataDir = closers.add(
    'data folder',
    await openDataDir(config.server.dataDir ?? defaultDataDir({ uid: process.getuid?.() ?? -1, home: homedir() })),
    (opened) => opened.close(),
  );
  return {
    config,
    assets,
    closers,
    /** The machine's own clock; those who work on the database have the site's. */
    machine,
    ...(await openLog(config, { machine, logsDir: dataDir.logsDir, closers })),
    metrics: createMetricsRegistry({
      version: assets.version,
      roles: config.server.roles,
      withProcess: config.monitoring.metrics.enabled,
    }),
    childEnv: processChildEnv(),
    dataDir,
  };
};
export type Base = Awaited<ReturnType<typeof openBase>>;
