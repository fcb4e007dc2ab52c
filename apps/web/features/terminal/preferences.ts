/** How terminals look for this person, remembered in this browser. */
import { create } from 'zustand';

import { recall, remember } from '../../lib/storage';

interface Preferences {
  fontSize: number;
  screenReader: boolean;
  change(next: Partial<Pick<Preferences, 'fontSize' | 'screenReader'>>): void;
  /** Takes up what was remembered; called after the first paint. */
  load(): void;
}

export const fontSizes = { least: 9, usual: 13, most: 24 } as const;

export const useTerminalPreferences = create<Preferences>()((set, get) => ({
  fontSize: fontSizes.usual,
  screenReader: false,
  change: (next) => {
    const fontSize = Math.min(fontSizes.most, Math.max(fontSizes.least, next.fontSize ?? get().fontSize));
    set({ ...next, fontSize });
    remember('terminal', { fontSize, screenReader: get().screenReader });
  },
  load: () => {
    const stored = recall('terminal') as { fontSize?: unknown; screenReader?: unknown } | null;
    set({
      fontSize: typeof stored?.fontSize === 'number' ? stored.fontSize : fontSizes.usual,
      screenReader: stored?.screenReader === true,
    });
  },
}));
