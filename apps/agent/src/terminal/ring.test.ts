import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { createRingFile, readRingFile } from './ring-file.js';
import { createRing } from './ring.js';

let folder = '';
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'ring-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a ring keeps exactly the last bytes, whatever the pieces', () => {
  const pieces = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 12 });
  fc.assert(
    fc.property(pieces, fc.constantFrom(1_000, 65_536, 100_000, 262_144), (lengths, capacity) => {
      const ring = createRing(capacity, 17);
      let all = Buffer.alloc(0);
      let next = 0;
      for (const length of lengths) {
        const piece = Buffer.from(Array.from({ length }, () => (next = (next * 31 + 7) & 255)));
        ring.append(piece);
        all = Buffer.concat([all, piece]);
      }
      expect(ring.end).toBe(17 + all.length);
      expect(ring.start).toBe(17 + Math.max(0, all.length - capacity));
      expect(ring.slice(ring.start, ring.end).equals(all.subarray(ring.start - 17))).toBe(true);
      const middle = Math.floor((ring.start + ring.end) / 2);
      expect(ring.slice(middle, ring.end).equals(all.subarray(middle - 17))).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('a mirror gives the tail back, and after many rounds too', async () => {
  const path = join(folder, 'a.ring');
  const capacityBytes = 1024 * 1024;
  const ring = createRing(capacityBytes);
  const log = () => {};
  const file = await createRingFile({ path, capacityBytes, ring, size: () => ({ cols: 91, rows: 33 }), log });
  const chunk = Buffer.from(Array.from({ length: 40_000 }, (_, index) => index % 251));
  for (let round = 0; round < 100; round += 1) {
    ring.append(chunk);
    file.changed();
    if (round % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await file.close();
  const kept = await readRingFile(path, capacityBytes);
  expect(kept?.size).toEqual({ cols: 91, rows: 33 });
  expect(kept!.bytes.length).toBeGreaterThan(capacityBytes - 200_000);
  expect(kept!.start + kept!.bytes.length).toBe(ring.end);
  expect(kept!.bytes.equals(ring.slice(kept!.start, ring.end))).toBe(true);
});

test('what is no mirror is null, not an error', async () => {
  expect(await readRingFile(join(folder, 'none'), 1_000)).toBeNull();
  expect(await readRingFile(folder, 1_000)).toBeNull();
});
