import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';

import { closeFrame, createFrameGate } from './frame-gate.js';

/** As a server sends it; a mask is what a browser adds. */
const frameOf = (payload: Buffer, masked = false): Buffer => {
  const { length } = payload;
  const [short, wide] = length < 126 ? [length, 0] : length < 65_536 ? [126, 2] : [127, 8];
  const size = Buffer.alloc(wide);
  if (wide === 2) size.writeUInt16BE(length);
  if (wide === 8) size.writeBigUInt64BE(BigInt(length));
  const mask = masked ? randomBytes(4) : Buffer.alloc(0);
  return Buffer.concat([Buffer.of(0x82, short | (masked ? 0x80 : 0)), size, mask, payload]);
};
const pieces = (bytes: Buffer, largest: number): Buffer[] => {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + randomInt(largest);
    cut.push(bytes.subarray(at, end));
    at = end;
  }
  return cut;
};
const read = (): { gate: ReturnType<typeof createFrameGate>; whole(): Buffer } => {
  const gate = createFrameGate();
  const parts: Buffer[] = [];
  gate.on('data', (part: Buffer) => parts.push(part));
  return { gate, whole: () => Buffer.concat(parts) };
};
const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000];
const last = closeFrame(1012, '250');

describe('a gate for frames', () => {
  test.each([1, 3, 1_000, 100_000])('passes every byte, however they are cut (%d)', async (largest) => {
    const bytes = Buffer.concat(
      lengths.flatMap((length) => [frameOf(randomBytes(length)), frameOf(randomBytes(length), true)]),
    );
    const { gate, whole } = read();
    for (const piece of pieces(bytes, largest)) gate.write(piece);
    gate.end();
    await once(gate, 'end');
    expect(whole().equals(bytes)).toBe(true);
  });

  test.each(lengths)(
    'says the last word after the frame under way (%d bytes), and nothing after it',
    async (length) => {
      const frame = frameOf(randomBytes(length));
      for (const cut of [1, 2, 3, 5, Math.floor(frame.length / 2), frame.length - 1].filter(
        (at) => at < frame.length,
      )) {
        const { gate, whole } = read();
        gate.write(frame);
        gate.write(frame.subarray(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
        gate.endWith(last);
        gate.write(Buffer.concat([frame.subarray(cut), frame, frame]));
        gate.write(frame);
        await once(gate, 'end');
        expect(whole().equals(Buffer.concat([frame, frame, last])), `cut at ${cut}`).toBe(true);
      }
    },
  );

  test('says it at once between frames, once, and not after the end', async () => {
    const { gate, whole } = read();
    gate.endWith(last);
    gate.endWith(last);
    await once(gate, 'end');
    expect(whole().equals(last)).toBe(true);
    const over = read();
    over.gate.end();
    over.gate.endWith(last);
    await once(over.gate, 'end');
    expect(over.whole().length).toBe(0);
    expect(() => closeFrame(1012, 'x'.repeat(124))).toThrow(/123/);
  });
});
