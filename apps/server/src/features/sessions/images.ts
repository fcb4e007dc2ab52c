// Which images the places of sessions may be made of: the site's own, and those that its configuration allows. Pure.

import { AppError, imageName } from '@remote-claude/contract';

export interface ImageSettings {
  driver: string;
  /** Of a session that asks for none. */
  image: string;
  /** Patterns of those that may be asked for; `*` is any run of characters. */
  images: readonly string[];
}

/** A name without a tag or digest means this one. */
const tagged = (image: string): string => (/(:[\w.-]+|@sha256:[0-9a-f]+)$/.test(image) ? image : `${image}:latest`);

const matches = (image: string, pattern: string): boolean => {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`).test(image);
};

export const createImageRules = ({ driver, image: usual, images }: ImageSettings) => {
  const isAllowed = (image: string): boolean =>
    tagged(image) === tagged(usual) ||
    images.some(
      (pattern) => matches(image, pattern) || matches(tagged(image), pattern.includes('*') ? pattern : tagged(pattern)),
    );

  const refusalOf = (image: string): string | null => {
    if (driver !== 'docker') return 'Sessions are no containers here, so they have no image. Leave image out.';
    if (isAllowed(image)) return null;
    const allowed = images.length === 0 ? 'None but the usual one is allowed' : `Allowed are ${images.join(', ')}`;
    return `The image ${image} may not be used here. ${allowed}; compute.images of the server's configuration says which.`;
  };

  return {
    /** What people may choose from; null where there is nothing to choose. */
    shown: driver === 'docker' ? { usual, allowed: [...images] } : null,
    refusalOf,

    /** Errors: `unsupported_option` for what no session has here. */
    require(image: string): void {
      const message = refusalOf(image);
      if (message !== null) throw new AppError('unsupported_option', { message });
    },

    /** Of a session with this stored configuration; null for the usual one. */
    of(config: unknown): string | null {
      return imageName.safeParse((config as { image?: unknown } | null)?.image).data ?? null;
    },
  };
};
export type ImageRules = ReturnType<typeof createImageRules>;
