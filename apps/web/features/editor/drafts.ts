/**
 * What was typed and not saved, kept in this browser over a reload or a crash. It does not know editors.
 * A browser that keeps nothing (private mode, a full disk) is the same as one without drafts.
 */
import type { Draft } from './buffer';

export interface Drafts {
  get(path: string): Promise<Draft | null>;
  put(path: string, draft: Draft): Promise<void>;
  remove(path: string): Promise<void>;
}

const databaseName = 'remote-claude.drafts';
const storeName = 'drafts';
const keptMs = 30 * 24 * 60 * 60 * 1_000;

interface StoredDraft extends Draft {
  at: number;
}

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('The browser keeps no drafts.'));
  });

/** Drafts that nobody came back for. */
const dropOld = (database: IDBDatabase): void => {
  const request = database.transaction(storeName, 'readwrite').objectStore(storeName).openCursor();
  request.onsuccess = () => {
    const cursor = request.result;
    if (cursor === null) return;
    if (Date.now() - (cursor.value as StoredDraft).at > keptMs) cursor.delete();
    cursor.continue();
  };
};

let opened: Promise<IDBDatabase | null> | undefined;
const openDatabase = (): Promise<IDBDatabase | null> => {
  const request = indexedDB.open(databaseName, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(storeName);
  return settled(request).then(
    (database) => {
      dropOld(database);
      return database;
    },
    () => null,
  );
};

export const createDrafts = (sessionId: string): Drafts => {
  const key = (path: string): string => `${sessionId}/${path}`;
  const store = async (mode: IDBTransactionMode): Promise<IDBObjectStore | null> => {
    opened ??= typeof indexedDB === 'undefined' ? Promise.resolve(null) : openDatabase();
    return (await opened)?.transaction(storeName, mode).objectStore(storeName) ?? null;
  };
  const quietly = async (act: (objects: IDBObjectStore) => IDBRequest): Promise<void> => {
    try {
      const objects = await store('readwrite');
      if (objects !== null) await settled(act(objects));
    } catch {
      // The text is still in the editor.
    }
  };
  return {
    async get(path) {
      try {
        const objects = await store('readonly');
        const value =
          objects === null ? undefined : ((await settled(objects.get(key(path)))) as StoredDraft | undefined);
        return typeof value?.text === 'string' ? { etag: value.etag, text: value.text } : null;
      } catch {
        return null;
      }
    },
    put: (path, draft) => quietly((objects) => objects.put({ ...draft, at: Date.now() }, key(path))),
    remove: (path) => quietly((objects) => objects.delete(key(path))),
  };
};
