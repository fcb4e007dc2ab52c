/** What an export says of itself before its pieces. It was written by code in another session, so it is checked. */
import { AppError, checkpoint } from '@remote-claude/contract';
import { z } from 'zod';

const header = z.object({
  /** The work tree's folder there. */
  workspace: z.string().max(4_096),
  /** The folder with its conversations; empty of an agent that does not say it. */
  projects: z.string().max(4_096).default(''),
  checkpoint,
  /** Where Claude goes on; null where it begins anew. */
  conversation: z.object({ id: z.uuid(), resumeAt: z.uuid().nullable() }).nullable(),
});
export type ForkHeader = z.infer<typeof header>;

export const forkHeader = {
  encode: (content: ForkHeader): Buffer => Buffer.from(JSON.stringify(header.parse(content))),
  decode: (bytes: Buffer): ForkHeader => {
    try {
      return header.parse(JSON.parse(bytes.toString()));
    } catch (cause) {
      throw new AppError(
        'upstream_failed',
        { message: 'What came of the other session does not say what it is.' },
        { cause },
      );
    }
  },
};
