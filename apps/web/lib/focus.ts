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
