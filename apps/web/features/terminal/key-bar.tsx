/** Keys that a phone's keyboard lacks. Pressing one leaves the focus, and with it the keyboard, where it is. */
import type { ReactNode } from 'react';
import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp, ClipboardPaste } from 'lucide-react';

import { cx } from '../../lib/cx';
import type { BarKey } from './typing';

interface KeyBarProps {
  ctrl: boolean;
  onCtrl: () => void;
  onKey: (key: BarKey) => void;
  onPaste: () => void;
}

interface BarButtonProps {
  label: string;
  pressed?: boolean;
  onPress: () => void;
  children: ReactNode;
}

const BarButton = ({ label, pressed, onPress, children }: BarButtonProps) => (
  <button
    type="button"
    aria-label={label}
    aria-pressed={pressed}
    onPointerDown={(event) => event.preventDefault()}
    onClick={onPress}
    className={cx(
      'grid h-11 min-w-0 flex-1 place-items-center border-r border-line text-xs font-medium last:border-r-0 active:bg-active',
      pressed === true ? 'bg-accent-soft text-accent-text' : 'text-muted',
    )}
  >
    {children}
  </button>
);

const arrowKeys = [
  ['left', 'Left', ArrowLeft],
  ['up', 'Up', ArrowUp],
  ['down', 'Down', ArrowDown],
  ['right', 'Right', ArrowRight],
] as const;

export const KeyBar = ({ ctrl, onCtrl, onKey, onPaste }: KeyBarProps) => (
  <div role="toolbar" aria-label="Terminal keys" className="flex shrink-0 border-t border-line bg-surface">
    <BarButton label="Escape" onPress={() => onKey('escape')}>
      Esc
    </BarButton>
    <BarButton label="Tab" onPress={() => onKey('tab')}>
      Tab
    </BarButton>
    <BarButton label="Control, for the next key" pressed={ctrl} onPress={onCtrl}>
      Ctrl
    </BarButton>
    {arrowKeys.map(([key, label, Icon]) => (
      <BarButton key={key} label={label} onPress={() => onKey(key)}>
        <Icon size={16} aria-hidden />
      </BarButton>
    ))}
    <BarButton label="Control C: interrupt" onPress={() => onKey('interrupt')}>
      ^C
    </BarButton>
    <BarButton label="Paste" onPress={onPaste}>
      <ClipboardPaste size={16} aria-hidden />
    </BarButton>
  </div>
);
