/**
 * The file that takes a place's output: a file and not a pipe, which would break with the server. What is in it was
 * written by code in the session. It does not know what it means.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionPaths } from './session-paths.js';

const maxBytes = 4 * 1024 * 1024;

const placeLogPath = (paths: SessionPaths) => join(paths.log, 'place.log');

/** Keeps the last place's output as `place.log.1` and opens a new file for appending. The caller closes. */
export function openPlaceLog(paths: SessionPaths): number {
  const path = placeLogPath(paths);
  try {
    renameSync(path, `${path}.1`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return openSync(path, 'a', 0o600);
}

/** Empties a log that grew too long. Its writer appends, so it goes on at the start. */
export function boundPlaceLog(paths: SessionPaths): void {
  try {
    if (statSync(placeLogPath(paths)).size > maxBytes) truncateSync(placeLogPath(paths));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** The end of the log, in one line, for an error that happened before the command began. */
export function tailOfPlaceLog(paths: SessionPaths, bytes = 600): string {
  try {
    const file = openSync(placeLogPath(paths), 'r');
    try {
      const buffer = Buffer.alloc(bytes);
      const read = readSync(file, buffer, 0, bytes, Math.max(0, fstatSync(file).size - bytes));
      return buffer.toString('utf8', 0, read).trim().replaceAll(/\s+/g, ' ');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
