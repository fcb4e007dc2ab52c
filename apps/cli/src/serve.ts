// `remote-claude serve`: starts the server, prints where it is, and ends with it.

import { ConfigError, readConfig, startServer, type ConfigFlags, type RunningServer } from '@remote-claude/server';

import { findAssets, MissingAsset } from './assets.js';

export interface ServeOptions extends ConfigFlags {
  config?: string;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (line: string): void => void process.stderr.write(`${line}\n`);

/** A signal to the whole process group comes once more from whoever hands signals on: within a moment it is the same one. */
const sameSignalMs = 500;

const placesWord = (placesLeft: number | null): string | null => {
  if (placesLeft === 0) return null;
  const what =
    placesLeft === null ? 'Sessions keep' : placesLeft === 1 ? '1 session keeps' : `${placesLeft} sessions keep`;
  return `${what} running; the next start finds them. Stop them in the page.`;
};

export const serve = async (options: ServeOptions, version: string): Promise<void> => {
  // From the first moment: what is asked to end while it starts ends when it has started, and leaves nothing half made.
  const ending = onEnd();
  let server: RunningServer;
  try {
    server = await startServer({ config: readConfig(options), assets: findAssets(version) });
  } catch (thrown) {
    complainOf(thrown);
    process.exit(1);
  }
  const close = (): void => {
    server.close().then(
      ({ placesLeft }) => {
        const left = placesWord(placesLeft);
        if (left !== null) say(left);
        process.exit(0);
      },
      (thrown: unknown) => {
        complain(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
        process.exit(1);
      },
    );
  };
  if (ending.call(close)) return;
  const roles = whereRoles(server);
  const link = server.setupUrl === null ? [] : [`Set it up with this one-time link: ${server.setupUrl}`];
  // In one piece, for who reads them by a program.
  say([...roles, ...link].join('\n'));
  // A server that is asked to end meanwhile may not get as far.
  for (const warning of await server.warnings().catch(() => [])) say(`Note: ${warning}`);
};

const allRoles = 4;

/** One line where all is in one process; apart, which roles are here and where they are reached. */
const whereRoles = ({ roles, url, ownUrl, internalUrl }: RunningServer): string[] => {
  const at = `Remote Claude is at ${url}`;
  if (roles.length === allRoles) return [at];
  const isFront = roles.includes('web') || roles.includes('api');
  return [
    `This process plays: ${roles.join(', ')}`,
    ...(internalUrl === null ? [] : [`Other roles reach it at ${internalUrl}`]),
    `It says how it is at ${ownUrl}/readyz`,
    ...(isFront ? [at] : []),
  ];
};

/** What we say ourselves is whole; anything else is a bug, whose stack helps. */
const complainOf = (thrown: unknown): void => {
  complain(thrown instanceof Error ? thrown.message : String(thrown));
  const known =
    thrown instanceof ConfigError || thrown instanceof MissingAsset || (thrown as { code?: string }).code !== undefined;
  if (!known && thrown instanceof Error && thrown.stack !== undefined) complain(thrown.stack);
};

/** Hears the signals. `call` names what ends the server, and says whether that was asked for already. */
const onEnd = () => {
  let close: (() => void) | null = null;
  let askedAtMs: number | null = null;
  const end = (signal: string): void => {
    if (askedAtMs === null) {
      askedAtMs = performance.now();
      say(`${signal}: closing…`);
      close?.();
    } else if (signal === 'SIGINT' && performance.now() - askedAtMs > sameSignalMs) {
      say('Ended at once. Sessions keep running, and the database may too; the next start finds them.');
      process.exit(130);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(signal));
  return {
    call(given: () => void): boolean {
      close = given;
      if (askedAtMs !== null) given();
      return askedAtMs !== null;
    },
  };
};
