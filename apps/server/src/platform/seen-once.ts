// Which of the last messages were seen before, so that what comes by two ways counts once. It knows no message.

export const createSeenOnce = (keep = 10_000): ((id: string) => boolean) => {
  let [newer, older] = [new Set<string>(), new Set<string>()];
  /** False for one that was seen. */
  return (id) => {
    if (newer.has(id) || older.has(id)) return false;
    if (newer.size >= keep) [newer, older] = [new Set(), newer];
    newer.add(id);
    return true;
  };
};
