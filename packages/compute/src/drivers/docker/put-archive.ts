/** Puts files into a container over the engine's API, as a stream of tar. It does not know what they are. */
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';

/** `write` adds entries and is done when all are in. Whichever side fails, both end. */
export async function putArchive(
  container: Docker.Container,
  path: string,
  write: (archive: Pack) => Promise<void> | void,
): Promise<void> {
  const archive = pack();
  const abort = new AbortController();
  archive.on('error', () => {});
  const file = archive as unknown as NodeJS.ReadableStream;
  const sending = container.putArchive(file, { path, abortSignal: abort.signal });
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
