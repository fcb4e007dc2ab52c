/** The time, as something that renders again. */
import { useEffect, useState } from 'react';

/** Milliseconds since 1970, renewed every `everyMs`; it stands still while `everyMs` is null. */
export const useNow = (everyMs: number | null): number => {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (everyMs === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
};
