/**
 * The bytes between the agents of a session and of its fork: a header, the conversation in pieces, what is kept beside it, the
 * work tree's objects, and an end that has the hash of all before it. It does not know what the pieces mean.
 *
 * What is read was written by code in another session: each length is bounded before anything is kept, and a stream without
 * its end, or with another end, is refused.
 */
import { createHash, type Hash } from 'node:crypto';

import { AppError } from '@remote-claude/contract';

/** `file` names one that is kept beside the conversation, and `piece` is some of it. */
export type FrameKind = 'header' | 'conversation' | 'object' | 'end' | 'file' | 'piece';
export interface Frame {
  kind: FrameKind;
  payload: Buffer;
}

/** Their numbers are on the wire: more come at the end. */
const kinds: readonly FrameKind[] = ['header', 'conversation', 'object', 'end', 'file', 'piece'];
const magic = Buffer.from('rcfork1\n');
const headBytes = 1 + 4;
/** A folder of a million names; files come in pieces of a megabyte. */
const maxFrameBytes = 128 * 1024 * 1024;
/** Small frames go out together. */
const pieceBytes = 256 * 1024;

export async function* writeFrames(frames: AsyncIterable<Frame> | Iterable<Frame>): AsyncGenerator<Buffer> {
  const sum = createHash('sha256');
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  const add = (bytes: Buffer): void => {
    sum.update(bytes);
    waiting.push(bytes);
    waitingBytes += bytes.length;
  };
  const flush = (): Buffer => {
    const piece = Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
    return piece;
  };
  add(magic);
  for await (const { kind, payload } of frames) {
    add(headOf(kind, payload.length));
    add(payload);
    if (waitingBytes >= pieceBytes) yield flush();
  }
  const digest = sum.digest();
  waiting.push(headOf('end', digest.length), digest);
  yield flush();
}

const headOf = (kind: FrameKind, length: number): Buffer => {
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt8(kinds.indexOf(kind), 0);
  head.writeUInt32BE(length, 1);
  return head;
};

/** Every frame but the end, which is checked. Throws `upstream_failed` for a stream that is cut or changed. */
export async function* readFrames(bytes: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  const sum = createHash('sha256');
  const take = createTaker(bytes[Symbol.asyncIterator]());
  if (!(await take(magic.length)).equals(magic)) throw broken('it is of another version');
  sum.update(magic);
  for (;;) {
    const head = await take(headBytes);
    const kind = kinds[head.readUInt8(0)];
    const length = head.readUInt32BE(1);
    if (kind === undefined || length > maxFrameBytes) throw broken('it has a piece of an unknown kind');
    const payload = await take(length);
    if (kind === 'end') {
      if (!payload.equals(digestOf(sum))) throw broken('it was changed on its way');
      return;
    }
    sum.update(head).update(payload);
    yield { kind, payload };
  }
}

const digestOf = (sum: Hash): Buffer => sum.digest();

/** Exactly so many bytes. */
const createTaker = (source: AsyncIterator<Buffer>): ((length: number) => Promise<Buffer>) => {
  let have: Buffer[] = [];
  let bytes = 0;
  return async (length) => {
    while (bytes < length) {
      const next = await source.next();
      if (next.done === true) throw broken('it ends too early');
      have.push(next.value);
      bytes += next.value.length;
    }
    const all = have.length === 1 && have[0] !== undefined ? have[0] : Buffer.concat(have);
    have = all.length > length ? [all.subarray(length)] : [];
    bytes -= length;
    return all.subarray(0, length);
  };
};

const broken = (why: string): AppError =>
  new AppError('upstream_failed', {
    message: `What came of the other session cannot be used: ${why}. Nothing of it was kept; it is copied again.`,
  });
