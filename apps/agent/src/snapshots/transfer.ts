/**
 * A checkpoint's objects on their way to the store of another session, and taken in there. It does not know how they travel,
 * and touches no work tree.
 */
import { AppError, type Checkpoint } from '@remote-claude/contract';

import { ofHex, type Hash } from './objects.js';
import type { ObjectStore } from './store.js';

export interface Transfer {
  /**
   * All objects of a checkpoint, each once, and their bytes. Others work meanwhile, so it must be held. Throws `AppError` where
   * it is damaged.
   */
  pour(checkpoint: Checkpoint): Promise<{ bytes: number; objects: Iterable<Buffer> }>;
  /** Takes the objects of a tree in: all of them, or none is kept. What they are is seen by their hashes alone. */
  takeIn(tree: Checkpoint['tree'], objects: AsyncIterable<Buffer>): Promise<void>;
}

export interface TransferDeps {
  store: ObjectStore;
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** The objects of a tree. Throws where one is missing. */
  requireWhole(root: Hash): Promise<ReadonlySet<Hash>>;
  /** A tree that no checkpoint names stays for a while. */
  remember(root: Hash): void;
  /** More than any tree of a checkpoint has. */
  maxBytes: number;
  signal: AbortSignal;
}

export const createTransfer = ({
  store,
  inTurn,
  requireWhole,
  remember,
  maxBytes,
  signal,
}: TransferDeps): Transfer => ({
  pour: (checkpoint) =>
    inTurn(async () => {
      const needed = await requireWhole(ofHex(checkpoint.tree));
      const read = function* (): Generator<Buffer> {
        for (const hash of needed) {
          if (signal.aborted) throw new AppError('unavailable', { message: 'The session is ending.' });
          yield store.read(hash);
        }
      };
      return { bytes: store.sizeOf(needed), objects: read() };
    }),

  takeIn: (tree, objects) =>
    inTurn(async () => {
      const writer = store.write();
      try {
        for await (const content of objects) {
          signal.throwIfAborted();
          if (writer.newBytes + content.length > maxBytes) throw new AppError('payload_too_large');
          await writer.put(content);
        }
        await writer.commit();
      } catch (error) {
        await writer.abandon();
        throw error;
      }
      const root = ofHex(tree);
      await requireWhole(root);
      remember(root);
    }),
});
