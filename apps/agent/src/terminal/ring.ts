/**
 * The last bytes of a terminal's output, by offset (count of bytes since it was opened).
 * It grows to its capacity and then forgets the oldest. It does not know who reads.
 */
const firstBytes = 64 * 1024;

export interface Ring {
  readonly capacityBytes: number;
  /** Offset of the oldest byte that is kept. */
  readonly start: number;
  /** Offset behind the newest byte. */
  readonly end: number;
  append(bytes: Uint8Array): void;
  /** A copy of [from, to), which must lie within [start, end]. */
  slice(from: number, to: number): Buffer;
}

/** `startOffset` is the offset of the first byte that will be appended. */
export const createRing = (capacityBytes: number, startOffset = 0): Ring => {
  let memory = Buffer.allocUnsafe(Math.min(firstBytes, capacityBytes));
  let end = startOffset;
  let start = startOffset;
  // Bytes lie at (offset - startOffset) modulo the memory's size; while it still grows nothing has wrapped.
  const at = (offset: number): number => (offset - startOffset) % memory.length;

  const grow = (needed: number): void => {
    if (needed <= memory.length || memory.length === capacityBytes) return;
    let size = memory.length;
    while (size < needed && size < capacityBytes) size *= 2;
    const larger = Buffer.allocUnsafe(Math.min(size, capacityBytes));
    memory.copy(larger, 0, 0, end - startOffset);
    memory = larger;
  };

  return {
    capacityBytes,
    get start() {
      return start;
    },
    get end() {
      return end;
    },
    append(bytes) {
      grow(end - startOffset + bytes.length);
      const kept = bytes.length > memory.length ? bytes.subarray(bytes.length - memory.length) : bytes;
      end += bytes.length - kept.length;
      const position = at(end);
      const first = Math.min(kept.length, memory.length - position);
      memory.set(kept.subarray(0, first), position);
      if (first < kept.length) memory.set(kept.subarray(first), 0);
      end += kept.length;
      start = Math.max(start, end - memory.length);
    },
    slice(from, to) {
      const length = to - from;
      const result = Buffer.allocUnsafe(length);
      const position = at(from);
      const first = Math.min(length, memory.length - position);
      memory.copy(result, 0, position, position + first);
      if (first < length) memory.copy(result, first, 0, length - first);
      return result;
    },
  };
};
