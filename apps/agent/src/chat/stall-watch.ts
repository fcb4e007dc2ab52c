/** Says that nothing has come from the model for a while, once per silence. Ending it is left to Claude Code and to people. */
export interface StallWatch {
  begin(): void;
  heard(): void;
  close(): void;
}

export interface StallWatchDeps {
  /** A turn runs and only the model can move it on. */
  isWaiting(): boolean;
  tell(text: string): void;
  now(): number;
  silentAfterMs?: number;
}

const defaultSilentAfterMs = 30_000;
const checkEveryMs = 5_000;

export const createStallWatch = ({
  isWaiting,
  tell,
  now,
  silentAfterMs = defaultSilentAfterMs,
}: StallWatchDeps): StallWatch => {
  let heardAt = now();
  let hasTold = false;
  const heard = (): void => {
    heardAt = now();
    hasTold = false;
  };
  const timer = setInterval(() => {
    const silentMs = now() - heardAt;
    if (hasTold || silentMs < silentAfterMs) return;
    if (!isWaiting()) return heard();
    hasTold = true;
    tell(
      `Nothing has come from the model for ${Math.round(silentMs / 1_000)} s. It may still answer; you can interrupt it.`,
    );
  }, checkEveryMs);
  timer.unref();
  return { begin: heard, heard, close: () => clearInterval(timer) };
};
