/** Tells an engine that has no room for one more place from one that refuses it for good, by what it says. Pure. */

/** Whatever has none of it left: disk, memory, processes, files, addresses. */
const signs: readonly [RegExp, string][] = [
  [/no space left on device|disk quota exceeded/i, 'its disk is full'],
  [/cannot allocate memory|not enough memory|out of memory/i, 'its memory is used up'],
  [/resource temporarily unavailable|newosproc|failed to create new OS thread/i, 'it can have no more processes'],
  [/too many open files|no file descriptors available/i, 'it can open no more files'],
  [/no available IPv4|address pools? (?:have|has) been|available, non-overlapping/i, 'its addresses are used up'],
];

/** Names that an engine quotes are those of an image or of a person. */
const quoted = /"[^"]*"|'[^']*'/g;

/** What it lacks; null where it refuses for another reason. */
export const lackOf = (words: string): string | null => {
  const own = words.replace(quoted, '');
  return signs.find(([sign]) => sign.test(own))?.[1] ?? null;
};
