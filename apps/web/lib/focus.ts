/** Moving the focus between the panes of a page. A pane is any element with `data-pane`; it decides what in it takes the focus. */

const focusable = 'textarea, input:not([type=hidden]), button, a[href], [tabindex]:not([tabindex="-1"])';

const visible = (element: HTMLElement): boolean => element.offsetParent !== null || element.getClientRects().length > 0;

/** Focuses the next pane after the one that has the focus, around the end; backwards where asked for. */
export const focusNextPane = (backwards: boolean): void => {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')].filter(visible);
  if (panes.length === 0) return;
  const active = document.activeElement;
  const at = panes.findIndex((pane) => pane.contains(active));
  const next = panes[(at + (backwards ? -1 : 1) + panes.length) % panes.length] ?? panes[0];
  const preferred =
    next?.querySelector<HTMLElement>('[data-pane-focus]') ?? next?.querySelector<HTMLElement>(focusable);
  (preferred ?? next)?.focus();
};

/** Where the focus may go back to from a dialog that opens now, the best first: each may be gone by then. */
export type Openers = readonly HTMLElement[];

/** A dialog that is opened out of another one ends where that one would have. */
const openersOfDialog = new WeakMap<Element, Openers>();

/** What has the focus now, the button of a menu that it is in, and what opened the dialog around it. */
export const openersNow = (): Openers => {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || active === document.body) return [];
  const menu = active.closest('[role=menu]')?.getAttribute('aria-labelledby') ?? null;
  const button = menu === null ? null : document.getElementById(menu);
  const around = active.closest('[role=dialog], [role=alertdialog]');
  const pane = active.closest('[data-pane]')?.querySelector<HTMLElement>('[data-pane-focus]');
  return [
    ...(menu === null ? [active] : []),
    ...(button === null ? [] : [button]),
    ...((around === null ? undefined : openersOfDialog.get(around)) ?? []),
    ...(pane === undefined || pane === null ? [] : [pane]),
  ];
};

/** The first focus of a dialog: what is marked by `data-autofocus`, or the dialog itself, which is then read out. */
export const focusDialog = (dialog: HTMLElement, openers: Openers): void => {
  openersOfDialog.set(dialog, openers);
  if (dialog.contains(document.activeElement)) return;
  (dialog.querySelector<HTMLElement>('[data-autofocus]') ?? dialog).focus();
};

/** Gives the focus back; to the main part where nothing of what had it is left. */
export const focusOpener = (openers: Openers): void => {
  const opener = openers.find((element) => element.isConnected && visible(element));
  (opener ?? document.getElementById('main'))?.focus({ preventScroll: true });
};
