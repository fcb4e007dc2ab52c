// Figures of samples. It does not know what was measured.

/** The sample below which this share (0 to 1) of all samples lies. Throws where there are none. */
export const percentile = (samples: readonly number[], share: number): number => {
  const sorted = samples.toSorted((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  if (found === undefined) throw new Error('Nothing was measured.');
  return found;
};

export const median = (samples: readonly number[]): number => {
  const low = percentile(samples, 0.5);
  return samples.length % 2 === 1 ? low : (low + percentile(samples, 0.5 - 1 / samples.length)) / 2;
};

/** Round by round: two ways are compared only where they ran side by side, under the same load. */
export const pairwise = (
  ours: readonly number[],
  theirs: readonly number[],
  compare: (our: number, their: number) => number,
): number[] => ours.map((value, round) => compare(value, theirs[round] ?? Number.NaN));

export const ratio = (our: number, their: number): number => our / their;
export const difference = (our: number, their: number): number => our - their;
