'use client';
/** How the page looks in this browser. */
import { Monitor, Moon, Sun } from 'lucide-react';

import { cx } from '../../lib/cx';
import { themeChoices, useTheme, type ThemeChoice } from '../../lib/theme';

const looks: Record<ThemeChoice, { word: string; icon: typeof Sun }> = {
  system: { word: 'System', icon: Monitor },
  light: { word: 'Light', icon: Sun },
  dark: { word: 'Dark', icon: Moon },
};

export const Appearance = () => {
  const { choice, choose } = useTheme();
  return (
    <fieldset>
      <legend className="sr-only">Theme</legend>
      <div className="inline-flex rounded-lg border border-line bg-sunken p-0.5">
        {themeChoices.map((value) => {
          const { word, icon: Icon } = looks[value];
          return (
            <label
              key={value}
              className={cx(
                'target flex cursor-pointer items-center gap-2 rounded-md px-3 py-1 has-focus-visible:outline-2 has-focus-visible:outline-accent',
                choice === value
                  ? 'border border-line bg-surface font-medium'
                  : 'border border-transparent text-muted hover:text-text',
              )}
            >
              <input
                type="radio"
                name="theme"
                value={value}
                checked={choice === value}
                onChange={() => choose(value)}
                className="sr-only"
              />
              <Icon size={14} aria-hidden />
              {word}
            </label>
          );
        })}
      </div>
    </fieldset>
  );
};
