/** How the line is that tells a page of all sessions. It knows no socket: who has one says what became of it. */
import { create } from 'zustand';

interface SiteLink {
  /** `waiting` for the next attempt, at `retryAt`. */
  phase: 'none' | 'connecting' | 'open' | 'waiting';
  retryAt: number | null;
  retryNow: () => void;
}

export const useSiteLink = create<SiteLink>()(() => ({ phase: 'none', retryAt: null, retryNow: () => undefined }));
