// What a session may use of its engine: what it asked for, and else what is usual, within what the site allows. Pure.

import { AppError, resourceRequest, type ResourceRequest, type Session } from '@remote-claude/contract';

type Resources = Session['resources'];

export interface ResourceSettings {
  /** What a session gets that asks for nothing; null for what is usual anywhere. */
  request: { cpus: number | null; memoryMb: number | null };
  limits: Resources;
}

/** Enough for Claude and the tests of an ordinary project. */
const usualAnywhere: Resources = { cpus: 2, memoryMb: 4096 };

export const createResourceRules = ({ request, limits }: ResourceSettings) => {
  const most: Resources = { cpus: limits.cpus, memoryMb: limits.memoryMb };
  const within = (asked: Resources): Resources => ({
    cpus: Math.min(most.cpus, asked.cpus),
    memoryMb: Math.min(most.memoryMb, asked.memoryMb),
  });
  const usual = within({
    cpus: request.cpus ?? usualAnywhere.cpus,
    memoryMb: request.memoryMb ?? usualAnywhere.memoryMb,
  });

  return {
    usual,
    most,

    /** Errors: `unsupported_option` for what this site gives to no session. */
    require({ cpus = 0, memoryMb = 0, diskGb }: ResourceRequest): void {
      if (diskGb !== undefined)
        throw new AppError('unsupported_option', {
          message: 'The disk of a session has no size of its own here. Leave resources.diskGb out.',
        });
      if (cpus > most.cpus)
        throw new AppError('unsupported_option', {
          message: `A session has at most ${most.cpus} ${most.cpus === 1 ? 'core' : 'cores'} here.`,
          most,
        });
      if (memoryMb > most.memoryMb)
        throw new AppError('unsupported_option', {
          message: `A session has at most ${most.memoryMb} MB of memory here.`,
          most,
        });
    },

    /** Of a session with this stored configuration. What the site allows may have become less since it was made. */
    of(config: unknown): Resources {
      const asked = resourceRequest.safeParse((config as { resources?: unknown } | null)?.resources ?? {});
      return within({
        ...usual,
        ...(asked.success && { cpus: asked.data.cpus ?? usual.cpus, memoryMb: asked.data.memoryMb ?? usual.memoryMb }),
      });
    },
  };
};
export type ResourceRules = ReturnType<typeof createResourceRules>;
