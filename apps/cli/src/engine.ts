// `remote-claude engine list` and `engine adopt`: where the disks of sessions are, and moving sessions to the engine that is here.

import {
  adoptEngine,
  ConfigError,
  listEngines,
  readConfig,
  type ConfigFlags,
  type ServerAssets,
} from '@remote-claude/server';

import { findAssets, MissingAsset } from './assets.js';

export interface EngineFlags extends ConfigFlags {
  config?: string;
  restored?: boolean;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** What we say ourselves is whole; anything else is a bug, whose stack helps. */
const saying = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (thrown) {
    const isSaid =
      thrown instanceof ConfigError ||
      thrown instanceof MissingAsset ||
      (thrown as { code?: string }).code !== undefined;
    const words = thrown instanceof Error ? (isSaid ? thrown.message : thrown.stack) : String(thrown);
    process.stderr.write(`${words ?? ''}\n`);
    process.exitCode = 1;
  }
};

const given = ({ restored: _restored, ...flags }: EngineFlags, version: string) => {
  const config = readConfig(flags);
  const assets: ServerAssets = findAssets(version);
  return { config, assets };
};

export const listKnownEngines = (flags: EngineFlags, version: string): Promise<void> =>
  saying(async () => {
    const { here, engines } = await listEngines(given(flags, version));
    const known = engines.some(({ engine }) => engine === here)
      ? engines
      : [...engines, { engine: here, sessions: 0, managers: 0 }];
    for (const { engine, sessions, managers } of known) {
      const isHere = engine === here ? ', the one that is here' : '';
      const who = managers === 0 ? 'no session-manager has it now' : counted(managers, 'session-manager');
      say(`${engine}  ${counted(sessions, 'session')}, ${who}${isHere}`);
    }
  });

export const adoptEngineHere = (from: string | undefined, flags: EngineFlags, version: string): Promise<void> =>
  saying(async () => {
    const restored = flags.restored === true;
    const done = await adoptEngine(given(flags, version), { from: from ?? null, restored });
    const source = done.from === null ? '' : ` from the engine ${done.from}`;
    say(`${counted(done.sessions, 'session')}${source} now on the engine ${done.here}.`);
    say(
      'Those that shall run start when a session-manager runs. One whose disk is not here says so, and nothing is made anew.',
    );
  });
