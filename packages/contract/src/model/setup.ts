/**
 * How a session's place is prepared: variables of its environment, the image it is made of, and a script that is run before
 * the first turn. All of it comes from a person's request. It does not know how a place is made.
 */
import { z } from 'zod';

import { commandId, timestamp } from '../ids.js';
import { plainText } from './plain-text.js';
import { author } from './user.js';

/** UTF-16 units. */
const maxScript = 32_000;
const maxVariables = 100;
const maxValue = 8_000;
const maxEnvironment = 32_000;

/** For bash, run in the work tree by the session's user. */
export const setupScript = plainText
  .min(1)
  .max(maxScript)
  .refine((script) => script.trim() !== '', 'This script is empty.');

/**
 * Variables that the session itself sets, and those with which a shell or a program's loader would run something else than what
 * was asked for.
 */
const reservedName =
  /^(HOME|PATH|USER|LOGNAME|SHELL|TERM|COLORTERM|PWD|OLDPWD|SHLVL|IFS|ENV|BASH_ENV|BASHOPTS|SHELLOPTS|PS4|DISABLE_AUTOUPDATER|CLAUDECODE)$|^(LD|ANTHROPIC|CLAUDE|AGENT|GATEWAY|SESSION|BASH_FUNC)_/;

export const environmentName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'A variable’s name has letters, digits and underscores.')
  .refine((name) => !reservedName.test(name), 'This variable is set by the session itself.');

/** What every program in a session finds in its environment; an answer never has the values. */
export const sessionEnvironment = z
  .record(environmentName, plainText.max(maxValue))
  .refine((given) => Object.keys(given).length <= maxVariables, `At most ${maxVariables} variables are possible.`)
  .refine(
    (given) =>
      Object.entries(given).reduce((sum, [name, value]) => sum + name.length + value.length, 0) <= maxEnvironment,
    `The variables have at most ${maxEnvironment} characters together.`,
  );
export type SessionEnvironment = z.infer<typeof sessionEnvironment>;

/** The name of an image, as engines write it: registry, path, and a tag or a digest. */
export const imageName = z
  .string()
  .trim()
  .max(300)
  .regex(
    /^(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:[._-]|__)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._-]|__)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/,
    'This is not the name of an image.',
  );

export const setupStatus = z.enum(['waiting', 'running', 'done', 'failed']);

/** The last characters of what a set-up script printed, as far as a state keeps them. */
export const maxSetupTail = 4_000;

/** The set-up script that was asked for last, and what came of it. */
export const setupState = z.object({
  /** The command's id. */
  setupId: commandId,
  by: author,
  status: setupStatus,
  /** Null while it runs, and where it did not end by itself. */
  exitCode: z.int().nullable(),
  /** Why it failed: a sentence for people. */
  reason: z.string().nullable(),
  startedAt: timestamp.nullable(),
  tail: z.string(),
});
export type SetupState = z.infer<typeof setupState>;
