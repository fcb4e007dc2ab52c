// The line of sessions that wait for a place on an engine: who may have one now, and what those who wait are told. Pure.

/** How full an engine is, and where one session stands that wants a place there. */
export interface Line {
  /** Places that there may be at once. */
  capacity: number;
  /** Places that sessions have, up or not. */
  places: number;
  /** Sessions that want one too, and did so earlier. */
  ahead: number;
  /** The engine had no room for one more beside so many, whatever the capacity; null where it has not said so since. */
  refusal: { places: number; said: string; /** Until it may be asked once more. */ probeInMs: number } | null;
}

/** `probe`: the engine refused the last one, and is asked again. */
export type WayIn = 'room' | 'probe' | 'none';

/** Nobody passes another, so that a place that is free is kept for whoever was first. */
export const wayIn = ({ capacity, places, ahead, refusal }: Line): WayIn => {
  const before = places + ahead;
  if (before >= capacity) return 'none';
  if (refusal === null || before < refusal.places) return 'room';
  return ahead === 0 && refusal.probeInMs <= 0 ? 'probe' : 'none';
};

/** Exact for the first ones. For those behind it changes only now and then, so that a long line is cheap to tell. */
const positionWords = (ahead: number): string => {
  if (ahead < 10) return `${ordinals[ahead]} in line`;
  const step = 10 ** Math.floor(Math.log10(ahead));
  return `Behind at least ${Math.floor(ahead / step) * step} others in line`;
};

const ordinals = ['1st', '2nd', '3rd', '4th', '5th', '6th', '7th', '8th', '9th', '10th'] as const;

export const lineWords = ({ capacity, ahead, refusal }: Omit<Line, 'places'>): { reason: string; next: string } => ({
  reason: `${positionWords(ahead)}: ${
    refusal !== null && refusal.places < capacity
      ? refusal.said
      : `${capacity} of ${capacity} ${capacity === 1 ? 'place is' : 'places are'} taken.`
  }`,
  next: 'It starts by itself when its turn comes. Stop a session of yours that you do not need, and the line moves on.',
});
