/**
 * Uploads that can be resumed: a partial file and its record in the state folder, visible in the work tree only when whole.
 * An acknowledged offset is on disk. It does not know HTTP or tus headers.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { AppError, treePath } from '@remote-claude/contract';
import { z } from 'zod';

import type { Log } from '../parts.js';
import { asAppError, codeOf } from './failures.js';
import { checkVersion, inTurn, saveFile, syncFolder, takePlace } from './saving.js';
import type { WorkTree } from './work-tree.js';

const uploadRecord = z.object({
  id: z.uuid(),
  path: treePath.min(1),
  length: z.int().nonnegative(),
  /** Bytes that are synced. */
  offset: z.int().nonnegative(),
  /** The etag of the file that it replaces; null for one that must not exist. */
  ifMatch: z.string().nullable(),
  sha256: z.string().nullable(),
  /** It is in the work tree. */
  done: z.boolean(),
  expiresAt: z.number(),
});
export type UploadRecord = z.infer<typeof uploadRecord>;

export type NewUpload = Pick<UploadRecord, 'path' | 'length' | 'ifMatch' | 'sha256'>;

export interface Uploads {
  create(upload: NewUpload): Promise<UploadRecord>;
  /** Ends an append that is still under way, so that the offset is final. Throws where a whole upload cannot take its place. */
  status(id: string): Promise<UploadRecord>;
  /** Takes bytes until they end or `signal` says so; what came is kept and acknowledged either way. */
  append(id: string, offset: number, body: Readable, signal: AbortSignal): Promise<UploadRecord>;
  remove(id: string): Promise<void>;
  close(): Promise<void>;
}

interface UploadsOptions {
  tree: WorkTree;
  stateDir: string;
  expiryMs: number;
  log: Log;
}

/** Bytes after which an offset is acknowledged in the middle of a request. */
const syncEveryBytes = 8 * 1024 * 1024;
const sweepEveryMs = 10 * 60_000;
const unknown = (): AppError => new AppError('not_found', { message: 'There is no such upload; it may have expired.' });

const createStore = async (stateDir: string) => {
  const folder = join(stateDir, 'uploads');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const recordPath = (id: string): string => join(folder, `${id}.json`);
  const partPath = (id: string): string => join(folder, `${id}.part`);
  return {
    folder,
    partPath,
    async load(id: string): Promise<UploadRecord> {
      if (!z.uuid().safeParse(id).success) throw unknown();
      try {
        return uploadRecord.parse(JSON.parse(await readFile(recordPath(id), 'utf8')));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') throw unknown();
        throw error;
      }
    },
    async save(record: UploadRecord): Promise<void> {
      const handle = await open(`${recordPath(record.id)}.new`, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(record));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${recordPath(record.id)}.new`, recordPath(record.id));
    },
    async remove(id: string): Promise<void> {
      await rm(partPath(id), { force: true });
      await rm(`${recordPath(id)}.new`, { force: true });
      await rm(recordPath(id), { force: true });
    },
    async ids(): Promise<string[]> {
      return (await readdir(folder))
        .filter((file) => file.endsWith('.json'))
        .map((file) => file.slice(0, -'.json'.length));
    },
  };
};

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

type Store = Awaited<ReturnType<typeof createStore>>;

/** Puts a whole upload where it belongs. Doing it again after a crash is harmless: then it is there already. */
const createFinish =
  (tree: WorkTree, store: Store) =>
  async (record: UploadRecord): Promise<UploadRecord> => {
    const markDone = async (whole: UploadRecord): Promise<UploadRecord> => {
      const done = { ...whole, done: true };
      await store.save(done);
      await rm(store.partPath(whole.id), { force: true });
      return done;
    };
    const part = store.partPath(record.id);
    const found = await lstat(part, { bigint: true }).catch(() => null);
    // It was moved, and the crash came before that was written down.
    if (!found) return markDone(record);
    if (record.sha256 !== null && (await hashOf(part)) !== record.sha256) {
      await store.remove(record.id);
      throw new AppError('precondition_failed', {
        message: 'The bytes that arrived are not those of the checksum; upload it again.',
      });
    }
    await chmod(part, 0o666 & ~process.umask());
    try {
      await tree.within(record.path, { follow: true, makeFolders: true }, async (place) => {
        if (place.name.length === 0) throw new AppError('wrong_kind', { message: 'This is a folder.' });
        if (place.stat?.ino === found.ino && place.stat.dev === found.dev) return;
        if (place.stat) await chmod(part, Number(place.stat.mode) & 0o7777);
        await inTurn(tree, place, () => takePlace(place, part, record.ifMatch));
        await syncFolder(place.parent);
      });
    } catch (error) {
      // The state folder is on another volume than the work tree.
      if (codeOf((error as Error).cause) !== 'EXDEV') throw taken(error);
      await saveFile(tree, record.path, createReadStream(part), { ifMatch: record.ifMatch, makeFolders: true });
    }
    return markDone(record);
  };

/** For an upload another version is a conflict like any other: there is no editor that could merge. */
const taken = (error: unknown): unknown =>
  error instanceof AppError && error.code === 'edit_conflict'
    ? new AppError('conflict', {
        ...error.details,
        message: 'Something else is at this path by now. Remove it and retry, or give the upload up.',
      })
    : error;

export const createUploads = async ({ tree, stateDir, expiryMs, log }: UploadsOptions): Promise<Uploads> => {
  const store = await createStore(stateDir);
  const finish = createFinish(tree, store);
  /** Per upload what is under way; the next request ends it and waits. */
  const active = new Map<string, { abort: AbortController; ended: Promise<unknown> }>();

  const alone = async <T>(id: string, act: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const before = active.get(id);
    before?.abort.abort();
    const abort = new AbortController();
    const mine = (before?.ended ?? Promise.resolve()).then(() => act(abort.signal));
    const entry = { abort, ended: mine.catch(() => {}) };
    active.set(id, entry);
    try {
      return await mine;
    } catch (error) {
      throw asAppError(error);
    } finally {
      if (active.get(id) === entry) active.delete(id);
    }
  };

  const whole = (record: UploadRecord): boolean => !record.done && record.offset === record.length;

  /** A crash between the last byte and the rename, or a conflict that has been cleared since. */
  const settle = async (record: UploadRecord): Promise<UploadRecord> => (whole(record) ? finish(record) : record);

  const receive = async (
    record: UploadRecord,
    handle: FileHandle,
    content: AsyncIterable<Buffer>,
  ): Promise<UploadRecord> => {
    let now = record;
    let written = record.offset;
    const acknowledge = async (): Promise<void> => {
      if (written === now.offset) return;
      await handle.datasync();
      now = { ...now, offset: written, expiresAt: Date.now() + expiryMs };
      await store.save(now);
    };
    try {
      for await (const chunk of content) {
        if (written + chunk.length > record.length) {
          throw new AppError('payload_too_large', { message: 'More bytes came than Upload-Length announced.' });
        }
        for (let done = 0; done < chunk.length;) {
          const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, written);
          done += bytesWritten;
          written += bytesWritten;
        }
        if (written - now.offset >= syncEveryBytes) await acknowledge();
      }
    } finally {
      await acknowledge();
    }
    return now;
  };

  const sweep = async (): Promise<void> => {
    for (const id of await store.ids()) {
      const record = await store.load(id).catch(() => null);
      if (!record || (record.expiresAt < Date.now() && !active.has(id))) await store.remove(id);
    }
  };
  const sweeping = (): void =>
    void sweep().catch((error: unknown) => log('warn', 'old uploads could not be swept', { error: String(error) }));
  sweeping();
  const timer = setInterval(sweeping, sweepEveryMs);
  timer.unref();

  return {
    async create({ path, length, ifMatch, sha256 }) {
      try {
        const { bavail, bsize } = await statfs(store.folder);
        if (length > bavail * bsize) throw new AppError('no_space');
        await tree.within(path, { follow: true, makeFolders: true }, (place) => {
          if (place.name.length === 0) throw new AppError('wrong_kind', { message: 'This is a folder.' });
          if (ifMatch === null && place.stat) throw new AppError('already_exists');
          checkVersion(place.stat, ifMatch);
        });
        const id = randomUUID();
        const record = { id, path, length, ifMatch, sha256, offset: 0, done: false, expiresAt: Date.now() + expiryMs };
        await (await open(store.partPath(id), 'wx', 0o600)).close();
        await store.save(record);
        return await settle(record);
      } catch (error) {
        throw asAppError(error);
      }
    },
    status: (id) => alone(id, async () => settle(await store.load(id))),
    append: (id, offset, body, signal) =>
      alone(id, async (superseded) => {
        const record = await store.load(id);
        if (offset !== record.offset) {
          throw new AppError('conflict', {
            message: 'Upload-Offset is not where the upload stands.',
            offset: record.offset,
          });
        }
        if (record.done) return record;
        const handle = await open(store.partPath(id), 'r+');
        try {
          // After a kill there may be bytes behind the acknowledged offset.
          if ((await stat(store.partPath(id))).size > record.offset) await handle.truncate(record.offset);
          return await settle(await receive(record, handle, until(body, AbortSignal.any([signal, superseded]))));
        } finally {
          await handle.close();
        }
      }),
    remove: (id) =>
      alone(id, async () => {
        await store.load(id);
        await store.remove(id);
      }),
    async close() {
      clearInterval(timer);
      const entries = [...active.values()];
      for (const { abort } of entries) abort.abort();
      await Promise.all(entries.map(({ ended }) => ended));
    },
  };
};

/** A body that ends, without an error, when the signal says so or the line breaks: what came by then counts. */
async function* until(body: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stop = (): void => void body.destroy();
  if (signal.aborted) return;
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield* body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch {
    // The next request goes on from what is acknowledged.
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
