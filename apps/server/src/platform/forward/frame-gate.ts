// What one end of a WebSocket says to the other, passed on byte by byte: it knows where frames end (RFC 6455, 5.2), so that a
// last frame can be said between two of them. It knows nothing of what is in them.

import { Transform } from 'node:stream';

export interface FrameGate extends Transform {
  /** Says this frame as soon as the one under way is over, and nothing after it. */
  endWith(frame: Buffer): void;
}

/** Of a frame: two bytes, a longer length, a mask. */
const maxHeadBytes = 14;

/** Follows frames; tells how many bytes of these belong to the one under way, and whether it ends with them. */
const createFrames = () => {
  const head = Buffer.alloc(maxHeadBytes);
  let headLength = 0;
  let payloadLeft = 0n;

  /** null where more of the head is needed. */
  const payloadOf = (): bigint | null => {
    if (headLength < 2) return null;
    const second = head[1] ?? 0;
    const short = second & 0x7f;
    const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (headLength < 2 + wide + ((second & 0x80) === 0 ? 0 : 4)) return null;
    if (wide === 0) return BigInt(short);
    return wide === 2 ? BigInt(head.readUInt16BE(2)) : head.readBigUInt64BE(2);
  };

  return {
    isBetween: (): boolean => headLength === 0 && payloadLeft === 0n,
    /** Takes bytes up to the end of a frame at most, from an offset on; returns the offset after them. */
    take(bytes: Buffer, from: number): number {
      let at = from;
      while (payloadLeft === 0n && at < bytes.length) {
        head[headLength] = bytes[at] ?? 0;
        headLength += 1;
        at += 1;
        const payload = payloadOf();
        if (payload === null) continue;
        headLength = 0;
        payloadLeft = payload;
        if (payload === 0n) return at;
      }
      const rest = BigInt(bytes.length - at);
      const taken = rest < payloadLeft ? rest : payloadLeft;
      payloadLeft -= taken;
      return at + Number(taken);
    },
  };
};

export const createFrameGate = (): FrameGate => {
  const frames = createFrames();
  let last: Buffer | null = null;
  let isOver = false;
  const finish = (gate: Transform): void => {
    isOver = true;
    gate.push(last);
    gate.push(null);
  };
  const gate = new Transform({
    transform(bytes: Buffer, _encoding, done) {
      if (isOver) return done();
      let at = 0;
      while (at < bytes.length && !(last !== null && frames.isBetween())) at = frames.take(bytes, at);
      if (at > 0) this.push(at === bytes.length ? bytes : bytes.subarray(0, at));
      if (last !== null && frames.isBetween()) finish(this);
      done();
    },
  });
  return Object.assign(gate, {
    endWith(frame: Buffer) {
      if (last !== null || isOver || gate.writableEnded) return;
      last = frame;
      if (frames.isBetween()) finish(gate);
    },
  });
};

/** A server's frame that closes, with its reason in a few words. */
export const closeFrame = (code: number, reason: string): Buffer => {
  const words = Buffer.from(reason, 'utf8');
  if (words.length > 123) throw new Error('a reason has 123 bytes at most');
  return Buffer.concat([Buffer.of(0x88, 2 + words.length, code >> 8, code & 0xff), words]);
};
