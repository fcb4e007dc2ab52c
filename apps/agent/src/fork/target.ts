/**
 * A new session that becomes what another was: its files, and what Claude remembers. Until all of it is there and written
 * down, nobody uses the session; what a crash or a cut stream leaves is replaced by the next try.
 *
 * It does not know the other session.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { AppError, forkFilled, type Checkpoint, type ForkFilled } from '@remote-claude/contract';

import type { RestoreResult, Snapshots } from '../snapshots/index.js';
import { writeConversation, type ConversationWriter } from './conversation-writer.js';
import { readFrames, type Frame } from './frames.js';
import { forkHeader } from './header.js';

export interface ForkTarget {
  /** Null while it is not whole. */
  readonly filled: ForkFilled | null;
  /** Files are still to come, so that nothing else may be done here. */
  readonly isWaiting: boolean;
  /** Takes the bytes of an export. The same again is done once. Throws `AppError` with a sentence; then nothing counts. */
  fill(bytes: AsyncIterable<Buffer>): Promise<ForkFilled>;
}

export interface ForkTargetDeps {
  stateDir: string;
  home: string;
  workspace: string;
  /** The server says that this session is a fork without its files. */
  isAwaited: boolean;
  snapshots: Pick<Snapshots, 'takeIn'>;
  /** Puts the files there, and lets Claude go on from that point with what `place` brought. */
  become(
    checkpoint: Checkpoint,
    point: { conversation: string | null; resumeAt: string | null },
    place: () => Promise<void>,
  ): Promise<RestoreResult>;
  /** It is whole: what waited begins. */
  onFilled(): void;
}

export const createForkTarget = (deps: ForkTargetDeps): ForkTarget => {
  const { snapshots, home, workspace } = deps;
  const folder = join(deps.stateDir, 'fork');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'filled.json');
  let filled = read(path);
  let isFilling = false;

  const write = async (result: ForkFilled): Promise<void> => {
    const handle = await open(`${path}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(result));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${path}.new`, path);
    const around = await open(folder, 'r');
    try {
      await around.sync();
    } finally {
      await around.close();
    }
    filled = result;
  };

  const objectsOf = async function* (
    frames: AsyncIterable<Frame>,
    conversation: ConversationWriter | null,
  ): AsyncGenerator<Buffer> {
    let isBeside = false;
    for await (const { kind, payload } of frames) {
      if (kind === 'object') yield payload;
      else if (conversation === null) throw disorder();
      else if (kind === 'conversation' && !isBeside) await conversation.write(payload);
      else if (kind === 'file') {
        isBeside = true;
        await conversation.begin(payload.toString());
      } else if (kind === 'piece' && isBeside) await conversation.write(payload);
      else throw disorder();
    }
    await conversation?.finish();
  };

  const take = async (bytes: AsyncIterable<Buffer>): Promise<ForkFilled> => {
    const frames = readFrames(bytes);
    const first = await frames.next();
    const head = first.done === true || first.value.kind !== 'header' ? Buffer.alloc(0) : first.value.payload;
    const { checkpoint, conversation, ...from } = forkHeader.decode(head);
    const writer =
      conversation === null ? null : await writeConversation({ home, workspace }, { id: conversation.id, from });
    try {
      await snapshots.takeIn(checkpoint.tree, objectsOf(frames, writer));
      const point = { conversation: conversation?.id ?? null, resumeAt: conversation?.resumeAt ?? null };
      const { isExact } = await deps.become(checkpoint, point, async () => writer?.place());
      const { files, folders, bytes: size, leftOut, skipped } = checkpoint;
      if (!isExact && skipped.count === 0) throw notExact();
      return { files, folders, bytes: size, leftOut, skipped, isExact };
    } finally {
      await writer?.abandon();
    }
  };

  return {
    get filled() {
      return filled;
    },
    get isWaiting() {
      return deps.isAwaited && filled === null;
    },
    fill: async (bytes) => {
      if (filled !== null) return filled;
      if (!deps.isAwaited) throw new AppError('conflict', { message: 'This session is no fork that waits for files.' });
      if (isFilling) throw new AppError('unavailable', { message: 'The files are being copied already.' });
      isFilling = true;
      try {
        const result = await take(bytes);
        await write(result);
        deps.onFilled();
        return result;
      } finally {
        isFilling = false;
      }
    },
  };
};

const disorder = (): AppError =>
  new AppError('upstream_failed', { message: 'What came of the other session is in no order.' });

const notExact = (): AppError =>
  new AppError('upstream_failed', {
    message: 'The files could not be made the same as in the other session. They are copied again.',
  });

const read = (path: string): ForkFilled | null => {
  try {
    return forkFilled.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
};
