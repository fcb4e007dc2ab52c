// Which hosts and origins this server answers to. It knows no user; DNS rebinding and foreign pages end here.

import { AppError } from '@remote-claude/contract';

export interface Origins {
  /** The allow-listed origin that a request was addressed to; throws `origin_refused` for any other Host. */
  checkHost(host: string | undefined): URL;
  /** Whether a page at this origin may act here. */
  allows(origin: string): boolean;
  /** The address to show to people. */
  readonly shown: string;
}

export interface OriginOptions {
  /** Address people use, where it is not loopback: scheme, host and port. */
  publicUrl: string | null;
  trustedOrigins: readonly string[];
  /** The port listened on; read at each request, since 0 is only known after listening. */
  port: () => number;
}

const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'];

export const createOrigins = ({ publicUrl, trustedOrigins, port }: OriginOptions): Origins => {
  const configured = [...(publicUrl === null ? [] : [publicUrl]), ...trustedOrigins].map((url) => new URL(url));
  const known = (): URL[] => [...configured, ...loopbackHosts.map((host) => new URL(`http://${host}:${port()}`))];
  return {
    get shown() {
      // A further origin is where other pages are, not where this one is.
      return publicUrl === null ? `http://localhost:${port()}` : new URL(publicUrl).origin;
    },
    checkHost(host) {
      const found = known().find((url) => url.host === host?.toLowerCase());
      if (found === undefined) {
        throw new AppError('origin_refused', {
          message: 'This server does not answer at this address. Set server.publicUrl to the address that people use.',
        });
      }
      return found;
    },
    allows: (origin) => known().some((url) => url.origin === origin),
  };
};

/**
 * Refuses what a foreign page could have sent. A browser says where a request comes from by Origin or
 * Sec-Fetch-Site; a request with neither is taken only with a bearer token, which no page can add.
 */
export const checkSameOrigin = (
  origins: Origins,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): void => {
  const origin = headers['origin'];
  if (typeof origin === 'string') {
    if (!origins.allows(origin)) throw new AppError('origin_refused');
    return;
  }
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return;
  const bearer = typeof headers['authorization'] === 'string' && headers['authorization'].startsWith('Bearer ');
  if (!bearer) {
    throw new AppError('origin_refused', {
      message: 'The request does not say which page it comes from. Programs send a bearer token.',
    });
  }
};
