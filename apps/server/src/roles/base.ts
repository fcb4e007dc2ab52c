// What every process has, whichever roles it plays: its configuration, its data folder, the machine's clock and the log.

import { homedir } from 'node:os';

import { createSystemClock } from '../platform/clock.js';
import type { Closers } from '../platform/closers.js';
import { processChildEnv, type Config } from '../platform/config/config.js';
import { defaultDataDir, openDataDir } from '../platform/data-dir.js';
import { createConsoleLog } from '../platform/log.js';
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

export const openBase = async (config: Config, assets: ServerAssets, closers: Closers) => ({
  config,
  assets,
  closers,
  /** The machine's own clock; those who work on the database have the site's. */
  machine: createSystemClock(),
  log: createConsoleLog(config.monitoring.logging.level, process.stderr),
  metrics: createMetricsRegistry({
    version: assets.version,
    roles: config.server.roles,
    withProcess: config.monitoring.metrics.enabled,
  }),
  childEnv: processChildEnv(),
  dataDir: closers.add(
    'data folder',
    await openDataDir(config.server.dataDir ?? defaultDataDir({ uid: process.getuid?.() ?? -1, home: homedir() })),
    (opened) => opened.close(),
  ),
});
export type Base = Awaited<ReturnType<typeof openBase>>;
