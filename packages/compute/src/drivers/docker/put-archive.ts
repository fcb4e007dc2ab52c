/** Puts files into a container over the engine's API, as a stream of tar. It does not know what they are. */
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';

/** `write` adds entries and is done when all are in. Whichever side fails, and with the signal, both end. */
export async function putArchive(
  container: Docker.Container,
  path: string,
  write: (archive: Pack) => Promise<void> | void,
  signal?: AbortSignal,
): Promise<void> {
  const archive = pack();
  const abort = new AbortController();
  const either = signal === undefined ? abort.signal : AbortSignal.any([abort.signal, signal]);
  archive.on('error', () => {});
  const file = archive as unknown as NodeJS.ReadableStream;
  const sending = container.putArchive(file, { path, abortSignal: either });
  const writing = (async () => {
    await write(archive);
    archive.finalize();
  })();
  try {
    await Promise.all([sending, writing]);
  } catch (error) {
    abort.abort();
    archive.destroy();
    throw error;
  }
}
