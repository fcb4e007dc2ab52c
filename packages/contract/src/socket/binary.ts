/**
 * Binary frames of terminals: 1 byte kind, 16 bytes terminal id, 8 bytes position (unsigned, big endian), then bytes.
 * Output: position is the count of output bytes before these. Input: position is the frame's number, from 1.
 * It does not know what the bytes mean.
 */
import type { TerminalId } from '../ids.js';

export const frameKind = { output: 1, input: 2 } as const;
export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

export interface TerminalFrame {
  kind: FrameKind;
  terminalId: TerminalId;
  position: number;
  bytes: Uint8Array;
}

export const frameHeaderBytes = 25;

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

/** The 16 bytes of an id. */
export const terminalIdBytes = (id: TerminalId): Uint8Array => {
  const digits = id.replaceAll('-', '');
  return Uint8Array.from({ length: 16 }, (_, index) => Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16));
};

export const encodeTerminalFrame = ({ kind, terminalId, position, bytes }: TerminalFrame): Uint8Array => {
  const frame = new Uint8Array(frameHeaderBytes + bytes.length);
  frame[0] = kind;
  frame.set(terminalIdBytes(terminalId), 1);
  const view = new DataView(frame.buffer);
  view.setUint32(17, Math.floor(position / 2 ** 32));
  view.setUint32(21, position >>> 0);
  frame.set(bytes, frameHeaderBytes);
  return frame;
};

/** null for what is not such a frame. The bytes are a view, not a copy. */
export const decodeTerminalFrame = (frame: Uint8Array): TerminalFrame | null => {
  const kind = frame[0];
  if (frame.length < frameHeaderBytes || (kind !== frameKind.output && kind !== frameKind.input)) return null;
  const digits = Array.from(frame.subarray(1, 17), hex).join('');
  const id = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const position = view.getUint32(17) * 2 ** 32 + view.getUint32(21);
  if (!Number.isSafeInteger(position)) return null;
  return { kind, terminalId: id as TerminalId, position, bytes: frame.subarray(frameHeaderBytes) };
};
