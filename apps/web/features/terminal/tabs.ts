/** Which tabs are shown: the session's terminals, and those that this page has just asked for. Pure. */
import type { TerminalId, TerminalState } from '@remote-claude/contract';

import type { TerminalTab } from './terminal-tabs';

export interface Opening {
  terminalId: TerminalId;
  name: string;
}

export const shownTabs = (terminals: readonly TerminalState[], openings: readonly Opening[]): TerminalTab[] => {
  const known = new Set(terminals.map(({ terminalId }) => terminalId));
  return [
    ...terminals.map(({ terminalId, name, ended }) => ({ terminalId, name, ended })),
    ...openings.filter(({ terminalId }) => !known.has(terminalId)).map((opening) => ({ ...opening, ended: false })),
  ];
};

/** 'Terminal 1', or the first number that is free. */
export const nextName = (taken: readonly string[]): string => {
  let number = 1;
  while (taken.includes(`Terminal ${number}`)) number += 1;
  return `Terminal ${number}`;
};
