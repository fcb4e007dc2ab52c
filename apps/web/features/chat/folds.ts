/** What a reader has unfolded, by key: the windowed list forgets what scrolls away. */
import { create } from 'zustand';

interface Folds {
  open: Readonly<Record<string, boolean>>;
  toggle(key: string): void;
}

const useFolds = create<Folds>()((set) => ({
  open: {},
  toggle: (key) => set(({ open }) => ({ open: { ...open, [key]: open[key] !== true } })),
}));

/** Whether it is open, and how to turn it. */
export const useFold = (key: string): readonly [boolean, () => void] => {
  const open = useFolds((folds) => folds.open[key] === true);
  const toggle = useFolds((folds) => folds.toggle);
  return [open, () => toggle(key)];
};
