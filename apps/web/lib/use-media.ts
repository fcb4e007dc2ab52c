/** Whether a media query holds. False until the first paint, as in the export. */
import { useEffect, useState } from 'react';

export const useMedia = (query: string): boolean => {
  const [matches, setMatches] = useState(false);
  useEffect(() => {
    const media = matchMedia(query);
    const update = (): void => setMatches(media.matches);
    update();
    media.addEventListener('change', update);
    return () => media.removeEventListener('change', update);
  }, [query]);
  return matches;
};

/** A phone, or a window as narrow as one. */
export const narrow = '(max-width: 767px)';
