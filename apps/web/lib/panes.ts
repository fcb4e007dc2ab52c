/** Which panes of a session's page are open, remembered in this browser. It does not know what is in them. */
import { create } from 'zustand';

import { recall, remember } from './storage';

export const paneIds = ['files', 'editor', 'terminal'] as const;
export type PaneId = (typeof paneIds)[number];

/** What a phone shows: one thing at a time. */
export type PhoneView = 'chat' | PaneId;

interface Panes {
  open: Readonly<Record<PaneId, boolean>>;
  railOpen: boolean;
  phoneView: PhoneView;
  toggle(pane: PaneId): void;
  /** Opens a pane and, on a phone, turns to it. */
  show(pane: PaneId): void;
  setPhoneView(view: PhoneView): void;
  toggleRail(): void;
  /** Takes up what was remembered; called once after the first paint. */
  load(wide: boolean): void;
}

const save = ({ open, railOpen }: Pick<Panes, 'open' | 'railOpen'>): void => remember('panes', { open, railOpen });

export const usePanes = create<Panes>()((set, get) => ({
  open: { files: false, editor: false, terminal: false },
  railOpen: true,
  phoneView: 'chat',
  toggle: (pane) => {
    set(({ open }) => ({ open: { ...open, [pane]: !open[pane] } }));
    save(get());
  },
  show: (pane) => {
    set(({ open }) => ({ open: { ...open, [pane]: true }, phoneView: pane }));
    save(get());
  },
  setPhoneView: (phoneView) => set({ phoneView }),
  toggleRail: () => {
    set(({ railOpen }) => ({ railOpen: !railOpen }));
    save(get());
  },
  load: (wide) => {
    const stored = recall('panes') as { open?: Partial<Record<PaneId, unknown>>; railOpen?: unknown } | null;
    set({
      open: {
        files: stored?.open ? stored.open.files === true : wide,
        editor: stored?.open?.editor === true,
        terminal: stored?.open?.terminal === true,
      },
      railOpen: stored?.railOpen !== false,
    });
  },
}));
