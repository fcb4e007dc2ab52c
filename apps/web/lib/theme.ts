/** Which theme is in force. It knows no colour: those are CSS variables under `data-theme`. */
import { create } from 'zustand';

export const themeChoices = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof themeChoices)[number];

const key = 'remote-claude.theme';

/**
 * Runs in the page's head before the first paint, so it is plain text and stands alone.
 * It also tells zod not to compile its validators, which this page's content security policy forbids.
 */
export const beforePaintScript = `(function(){var c='system';try{c=localStorage.getItem('${key}')||c}catch(e){}var d=c==='dark'||(c!=='light'&&matchMedia('(prefers-color-scheme: dark)').matches);document.documentElement.dataset.theme=d?'dark':'light';globalThis.__zod_globalConfig={jitless:true}})()`;

interface Theme {
  choice: ThemeChoice;
  resolved: 'light' | 'dark';
  choose(choice: ThemeChoice): void;
}

const systemIsDark = (): boolean =>
  typeof matchMedia === 'function' && matchMedia('(prefers-color-scheme: dark)').matches;
const resolve = (choice: ThemeChoice): 'light' | 'dark' =>
  choice === 'system' ? (systemIsDark() ? 'dark' : 'light') : choice;

const stored = (): ThemeChoice => {
  try {
    const choice = localStorage.getItem(key);
    return themeChoices.find((known) => known === choice) ?? 'system';
  } catch {
    return 'system';
  }
};

export const useTheme = create<Theme>()((set) => ({
  choice: 'system',
  resolved: 'light',
  choose: (choice) => {
    try {
      localStorage.setItem(key, choice);
    } catch {
      // The choice holds until the page is closed.
    }
    document.documentElement.dataset['theme'] = resolve(choice);
    set({ choice, resolved: resolve(choice) });
  },
}));

/** Takes up what the head's script did, and follows the system. Returns how to stop. */
export const followSystemTheme = (): (() => void) => {
  const apply = (): void => {
    const choice = stored();
    document.documentElement.dataset['theme'] = resolve(choice);
    useTheme.setState({ choice, resolved: resolve(choice) });
  };
  apply();
  const media = matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', apply);
  window.addEventListener('storage', apply);
  return () => {
    media.removeEventListener('change', apply);
    window.removeEventListener('storage', apply);
  };
};
