/** The words for permission modes and effort in the page. */
import type { Effort, PermissionMode } from '@remote-claude/contract';

import type { Choice } from '../../ui/menu';

type Chosen = Exclude<PermissionMode, 'bypassPermissions'>;

export const modeChoices: readonly Choice<Chosen>[] = [
  { value: 'default', label: 'Manual', hint: 'Asks before it edits or runs anything.' },
  { value: 'acceptEdits', label: 'Accept edits', hint: 'Edits files by itself, asks before commands.' },
  { value: 'plan', label: 'Plan', hint: 'Reads and plans, changes nothing.' },
  { value: 'auto', label: 'Auto', hint: 'Decides by itself what is safe.' },
];

export const modeWord = (mode: PermissionMode): string =>
  modeChoices.find(({ value }) => value === mode)?.label ?? 'Bypass permissions';

/** The mode after this one, for Shift+Tab. */
export const nextMode = (mode: PermissionMode): Chosen => {
  const at = modeChoices.findIndex(({ value }) => value === mode);
  return modeChoices[(at + 1) % modeChoices.length]?.value ?? 'default';
};

export const siteEffort = 'site';
export const effortChoices: readonly Choice<Effort | typeof siteEffort>[] = [
  { value: siteEffort, label: 'Default effort' },
  { value: 'low', label: 'Low effort' },
  { value: 'medium', label: 'Medium effort' },
  { value: 'high', label: 'High effort' },
  { value: 'max', label: 'Maximum effort' },
];
