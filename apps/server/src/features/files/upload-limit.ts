// The largest file that is taken, by what its sender says of it and by what comes. It knows no route and no agent.

import { Transform, type Readable } from 'node:stream';
import { AppError } from '@remote-claude/contract';

export interface UploadLimit {
  /** Refuses by lengths in headers, before a byte is read. What is absent or no number is not judged. */
  check(lengthHeader: string | string[] | undefined, offsetHeader?: string | string[]): void;
  /** Sends what `send` is given on, up to the limit; past it, `send` is cut and its failure is the refusal. */
  hold<T>(body: Readable, send: (held: Readable) => Promise<T>): Promise<T>;
}

export const createUploadLimit = (maxBytes: number): UploadLimit => {
  const tooLarge = (): AppError =>
    new AppError('payload_too_large', {
      message: `This file is larger than ${sizeWord(maxBytes)}, the largest that this server takes (server.maxUpload). Nothing was changed.`,
      maxBytes,
    });

  return {
    check(lengthHeader, offsetHeader = '0') {
      if (Number(lengthHeader) + Number(offsetHeader) > maxBytes) throw tooLarge();
    },

    async hold(body, send) {
      let bytes = 0;
      let exceeded = false;
      const held = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          bytes += chunk.length;
          exceeded ||= bytes > maxBytes;
          if (exceeded) done(tooLarge());
          else done(null, chunk);
        },
      });
      // A body that breaks off breaks what is sent on. The body itself stays whole: its sender is still to be answered.
      body.once('error', (error) => held.destroy(error));
      body.once('close', () => {
        if (!body.readableEnded) held.destroy();
      });
      held.on('error', () => body.unpipe(held));
      try {
        return await send(body.pipe(held));
      } catch (error) {
        throw exceeded ? tooLarge() : error;
      } finally {
        body.unpipe(held);
      }
    },
  };
};

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** As sizes are written in the configuration. */
const sizeWord = (bytes: number): string => {
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number((bytes / 2 ** (10 * power)).toFixed(1))}${units[power]}`;
};
