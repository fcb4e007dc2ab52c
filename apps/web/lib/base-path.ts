/** Every address of this server that the page makes. It knows no route; the base path is what the server wrote into the page. */

/** Where the page lives: '' or '/somewhere', without a slash at its end. */
export const basePath = (): string => {
  if (typeof document === 'undefined') return '';
  const content = document.querySelector<HTMLMetaElement>('meta[name="base-path"]')?.content ?? '';
  return content.replace(/\/+$/, '');
};

/** Up to and with `/api`. */
export const apiUrl = (): string => `${basePath()}/api`;

/** Address of a socket route, such as `/sessions/<id>/ws`. */
export const socketUrl = (path: string): string => {
  const scheme = window.location.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${scheme}//${window.location.host}${apiUrl()}${path}`;
};

/** Address of a file of the export, such as `/icon.svg`. */
export const assetUrl = (path: string): string => `${basePath()}${path}`;
