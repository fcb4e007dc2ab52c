// `remote-claude serve`: starts the server, prints where it is, and ends with it.

import { ConfigError, readConfig, startServer, type ConfigFlags } from '@remote-claude/server';

import { findAssets, MissingAsset } from './assets.js';

export interface ServeOptions extends ConfigFlags {
  config?: string;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

export const serve = async (options: ServeOptions, version: string): Promise<void> => {
  let server: Awaited<ReturnType<typeof startServer>>;
  try {
    server = await startServer({ config: readConfig(options), assets: findAssets(version) });
  } catch (thrown) {
    complain(thrown instanceof Error ? thrown.message : String(thrown));
    // What we say ourselves is whole; anything else is a bug, whose stack helps.
    const known =
      thrown instanceof ConfigError ||
      thrown instanceof MissingAsset ||
      (thrown as { code?: string }).code !== undefined;
    if (!known && thrown instanceof Error && thrown.stack !== undefined) complain(thrown.stack);
    process.exitCode = 1;
    return;
  }
  say(`Remote Claude is at ${server.url}`);
  if (server.setupUrl !== null) say(`Set it up with this one-time link: ${server.setupUrl}`);
  for (const warning of server.warnings) say(`Note: ${warning}`);

  let ending = false;
  const end = (signal: string): void => {
    if (ending) return;
    ending = true;
    say(`${signal}: closing…`);
    server.close().then(
      ({ placesLeft }) => {
        if (placesLeft > 0) {
          say(
            `${placesLeft} ${placesLeft === 1 ? 'session keeps' : 'sessions keep'} running; the next start finds them. Stop them in the page.`,
          );
        }
        process.exit(0);
      },
      (thrown: unknown) => {
        complain(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', () => end('SIGINT'));
  process.on('SIGTERM', () => end('SIGTERM'));
};
